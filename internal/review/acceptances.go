package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// risky is the risk of an answer as an acceptance names it; empty when there is nothing to
// accept.
func risky(r questionnaire.Risk) string {
	switch {
	case r.CountsAsHigh():
		return "high"
	case r == questionnaire.RiskMedium:
		return "medium"
	}
	return ""
}

// Accepted returns the acceptance that runs for this answer's risk, or nil.
func (e *Entry) Accepted() *remediation.Acceptance {
	return covering(e.Acceptance.Running, e.Answer.Risk)
}

// AskedToAccept returns the acceptance that is asked for this answer's risk, or nil.
func (e *Entry) AskedToAccept() *remediation.Acceptance {
	return covering(e.Acceptance.Asked, e.Answer.Risk)
}

func covering(a *remediation.Acceptance, r questionnaire.Risk) *remediation.Acceptance {
	if risk := risky(r); a == nil || risk == "" || !a.Covers(risk) {
		return nil
	}
	return a
}

// unowned lists the highs that nobody mends and nobody accepts: those without a running
// acceptance, and without an item that is unfinished or was verified since the submission.
func unowned(sheet Sheet, items []remediation.Item) []Entry {
	var list []Entry
	for _, e := range sheet.Highs() {
		has := func(it remediation.Item) bool {
			return it.CauseKind == remediation.CauseQuestion && it.CauseKey == e.Key() &&
				(!it.Finished() || it.VerifiedAt != nil && sheet.Round.SubmittedAt != nil && it.VerifiedAt.After(*sheet.Round.SubmittedAt))
		}
		if e.Accepted() == nil && !slices.ContainsFunc(items, has) {
			list = append(list, e)
		}
	}
	return list
}

// Acceptable is a question of a workload whose answer holds a risk that may be accepted.
type Acceptable struct {
	Workload workload.Workload
	Question string // questionnaire/question
	Title    string
	Risk     string // high, medium
	Path     string // of the question in the review that was read
}

// Acceptable reads the risk of a question of a workload: of an open round, else of the newest
// one decided. Not found when the workload is not readable or no review asks the question; a
// conflict when there is no risk to accept, as in a retired workload.
func (s *Service) Acceptable(ctx context.Context, who identity.Actor, workloadKey, question string) (Acceptable, error) {
	w, err := workload.LoadByKey(ctx, s.db, who, workloadKey)
	if err != nil {
		return Acceptable{}, err
	}
	return s.acceptable(ctx, s.db, w, question)
}

func (s *Service) acceptable(ctx context.Context, q postgres.Querier, w workload.Workload, question string) (Acceptable, error) {
	if w.Stage == workload.Retired {
		return Acceptable{}, fault.New(fault.Conflict, "This workload is retired, so there is no risk to accept.")
	}
	const sql = `
		select r.id, a.version_id, a.question_id, a.risk
		from reviews r
		join rounds d on d.review_id = r.id and d.state <> 'cancelled'
		join review_questionnaires p on p.review_id = r.id and p.questionnaire_key = $2
		join answers a on a.round_id = d.id and a.version_id = p.version_id and a.question_id = $3
		where r.workload_id = $1 and r.state <> 'cancelled'
		order by d.state in ('draft', 'submitted') desc, a.risk in ('high', 'unmatched') desc, d.opened_at desc limit 1`
	set, id, _ := strings.Cut(question, "/")
	var review, version uuid.UUID
	var asked string
	var risk questionnaire.Risk
	err := q.QueryRow(ctx, sql, w.ID, set, id).Scan(&review, &version, &asked, &risk)
	if errors.Is(err, pgx.ErrNoRows) {
		return Acceptable{}, fault.New(fault.NotFound, "No review of this workload asks that question.")
	}
	if err != nil {
		return Acceptable{}, fmt.Errorf("read risk: %w", err)
	}
	a := Acceptable{Workload: w, Question: question, Risk: risky(risk), Path: "/reviews/" + review.String() + "/q/" + question}
	if a.Risk == "" {
		return a, fault.New(fault.Conflict, "The answer to this question is %q, so there is no risk to accept.", risk.Label())
	}
	pinned, err := s.library.Version(ctx, q, version)
	if err != nil {
		return a, err
	}
	one, ok := pinned.Question(asked)
	if !ok {
		return a, fault.New(fault.Internal, "The question %s is missing from its version.", asked)
	}
	a.Title = one.Title
	return a, nil
}

// AskAcceptance asks for the risk of a question to be accepted. The owning team may, its services
// not: four eyes counts people. The faults are those of Acceptable and of remediation.AskAcceptance.
func (s *Service) AskAcceptance(ctx context.Context, who identity.Actor, workloadKey, question string, in remediation.AskInput) (uuid.UUID, error) {
	now := s.now()
	var id uuid.UUID
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := workload.LoadByKey(ctx, tx, who, workloadKey)
		if err != nil {
			return err
		}
		if w, err = workload.Held(ctx, tx, who, w.ID); err != nil {
			return err
		}
		if err := who.May(identity.AskAcceptance, w.Target()); err != nil {
			return err
		}
		if who.Service {
			return fault.New(fault.Forbidden, "A person asks for a risk to be accepted, and another one judges it. A service does neither.")
		}
		a, err := s.acceptable(ctx, tx, w, question)
		if err != nil {
			return err
		}
		id, err = remediation.AskAcceptance(ctx, tx, who, remediation.Asking{
			WorkloadID: w.ID, Tier: w.Tier, Question: question, Title: a.Title, Risk: a.Risk, Href: a.Path,
		}, in, now)
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("ask for acceptance: %w", err)
	}
	return id, nil
}

// settle marks that what this round asked and found without a risk needs no acceptance any
// more. A decision that lets a launch go ahead calls it. Of a change it settles only what was
// asked for in its review: the rest stands for the workload.
func settle(ctx context.Context, tx pgx.Tx, r Readout, d decided, now time.Time) error {
	if d.outcome == NoGo {
		return nil
	}
	var mended []string
	for _, e := range r.Entries() {
		if risky(e.Answer.Risk) == "" && e.Answered() {
			mended = append(mended, e.Key())
		}
	}
	askedOn := ""
	if r.ChangeKey != "" {
		askedOn = r.Path() + "/"
	}
	return remediation.SettleAcceptances(ctx, tx, r.Workload.ID, mended, askedOn, now)
}

// SnapshotAcceptance is an acceptance of a question that was asked, as it stood.
type SnapshotAcceptance struct {
	ID        string `json:"id"`
	Question  string `json:"question"` // questionnaire/question
	Risk      string `json:"risk"`
	State     string `json:"state"` // asked, granted
	Until     string `json:"until"` // 2006-01-02: the last day, as granted or as asked for
	Reason    string `json:"reason"`
	Control   string `json:"control"`
	AskedBy   string `json:"asked_by"`
	AskedAt   string `json:"asked_at"`
	GrantedBy string `json:"granted_by"`
	GrantedAt string `json:"granted_at"`
	Note      string `json:"note"` // of whoever granted it
}

// snapshotAcceptances lists what runs and what is asked for, by question.
func snapshotAcceptances(sheet Sheet) []SnapshotAcceptance {
	list := []SnapshotAcceptance{}
	for _, e := range sheet.Entries() {
		for _, a := range []*remediation.Acceptance{e.Accepted(), e.AskedToAccept()} {
			if a != nil {
				list = append(list, snapshotAcceptance(*a))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b SnapshotAcceptance) int {
		return strings.Compare(a.Question+"\x00"+b.State, b.Question+"\x00"+a.State)
	})
	return list
}

func snapshotAcceptance(a remediation.Acceptance) SnapshotAcceptance {
	out := SnapshotAcceptance{
		ID: a.ID.String(), Question: a.Question, Risk: a.Risk, State: a.State, Until: a.WantedUntil.Format(time.DateOnly), Reason: a.Reason,
		Control: a.Control, AskedBy: a.AskedByName, AskedAt: instant(a.AskedAt), GrantedBy: a.JudgedByName, GrantedAt: moment(a.JudgedAt), Note: a.Note,
	}
	if a.Until != nil {
		out.Until = a.Until.Format(time.DateOnly)
	}
	return out
}
