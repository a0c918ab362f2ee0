package portfolio

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// Evidence is what evidence says of a workload: the newest run, and the verdict on each
// check in use, under the question it bears on.
type Evidence struct {
	Run    evidence.Run
	HasRun bool
	Sets   []Set // those that open reviews of the workload ask first
	Counts VerdictCounts
}

// Set is a questionnaire with those of its questions that have an evidence check.
type Set struct {
	Key       string
	Name      string
	Version   string
	Asked     bool // an open review of the workload is pinned to it
	Questions []Checked
}

// Checked is a question with what evidence says to each of its checks, whatever is answered.
type Checked struct {
	Question *questionnaire.Question
	Proofs   []review.Proof
}

// VerdictCounts counts each check once, however many questions ask it.
type VerdictCounts struct {
	Supports, Contradicts, Mixed, CannotTell, Stale, Unread int
}

// Judged reports whether any check has a verdict yet.
func (e Evidence) Judged() bool { return e.Counts != VerdictCounts{Unread: e.Counts.Unread} }

// Evidence reads what evidence says of a workload. Not found when who may not read it.
// Verdicts are for everyone who may read the workload; raw findings are not among them.
func (s *Service) Evidence(ctx context.Context, who identity.Actor, workloadID uuid.UUID) (Evidence, error) {
	var e Evidence
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if err != nil {
		return e, err
	}
	if e.Run, e.HasRun, err = evidence.LatestRun(ctx, s.db, w.ID); err != nil {
		return e, err
	}
	verdicts, err := evidence.Verdicts(ctx, s.db, w.ID)
	if err != nil {
		return e, err
	}
	versions, err := s.versionsFor(ctx, w.ID)
	if err != nil {
		return e, err
	}
	now, seen := s.now(), map[string]bool{}
	for _, v := range versions {
		q, err := s.library.Version(ctx, s.db, v.ID)
		if err != nil {
			return e, err
		}
		set := Set{Key: q.Key, Name: q.Name, Version: q.Version, Asked: v.Asked}
		for _, question := range q.Questions() {
			if len(question.Checks) == 0 {
				continue
			}
			c := Checked{Question: question}
			for _, check := range question.Checks {
				p := review.Proof{Check: check, State: evidence.CannotTell}
				if p.Verdict, p.Read = verdicts[check.Digest()]; p.Read {
					p.State = p.Verdict.At(now, check.MaxAge)
				}
				if !seen[check.Digest()] {
					seen[check.Digest()] = true
					e.Counts.add(p)
				}
				c.Proofs = append(c.Proofs, p)
			}
			set.Questions = append(set.Questions, c)
		}
		if len(set.Questions) > 0 {
			e.Sets = append(e.Sets, set)
		}
	}
	return e, nil
}

func (c *VerdictCounts) add(p review.Proof) {
	switch {
	case !p.Read:
		c.Unread++
	case p.State == evidence.Supports:
		c.Supports++
	case p.State == evidence.Contradicts:
		c.Contradicts++
	case p.State == evidence.Mixed:
		c.Mixed++
	case p.State == evidence.Stale:
		c.Stale++
	default:
		c.CannotTell++
	}
}

type versionRef struct {
	ID    uuid.UUID
	Asked bool
}

// versionsFor lists one version of each set: the one an open review of the workload is
// pinned to, else the newest.
func (s *Service) versionsFor(ctx context.Context, workloadID uuid.UUID) ([]versionRef, error) {
	const sql = `
		with pinned as (
			select distinct p.version_id from review_questionnaires p join reviews r on r.id = p.review_id
			where r.workload_id = $1 and r.state = 'open')
		select id, asked from (
			select distinct on (v.questionnaire_key) v.id, v.questionnaire_key, v.id in (select version_id from pinned) as asked
			from questionnaire_versions v
			order by v.questionnaire_key, asked desc, v.published_at desc, v.id desc) one
		order by asked desc, questionnaire_key`
	rows, err := s.db.Query(ctx, sql, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[versionRef])
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return list, nil
}
