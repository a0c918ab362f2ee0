package review

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

func errAuthor() error {
	return fault.New(fault.Forbidden, "You saved an answer in this round, so you may not sign off or decide it. Somebody else must.")
}

// SignOff is one approver's voice on the submitted content.
type SignOff struct {
	PersonID    uuid.UUID
	Person      string
	Voice       string // Agree, Object
	Note        string
	OutsideTeam bool // of the owning team, when it was given
	Counts      bool // whether its giver may still judge: an active approver by somebody else's word
	SignedAt    time.Time
}

// SignOffs lists the newest voice of each approver on what the newest round was submitted
// with; nothing before a submission. Not found when who may not read the review.
func (s *Service) SignOffs(ctx context.Context, who identity.Actor, id uuid.UUID) ([]SignOff, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return nil, err
	}
	return signOffsOf(ctx, s.db, r.Round.ID, r.Round.ContentSHA256)
}

// signOffsOf reads the newest voice of each approver on the content.
func signOffsOf(ctx context.Context, q postgres.Querier, round uuid.UUID, content []byte) ([]SignOff, error) {
	const sql = `
		select s.person_id, p.name as person, s.voice, s.note, s.outside_team, s.signed_at,
			p.deactivated_at is null and exists (
				select from grants g join rounds d on d.id = $1 join reviews r on r.id = d.review_id
				where g.person_id = s.person_id and g.kind = 'approver' and g.granted_by is distinct from g.person_id
				and (g.workload_id is null or g.workload_id = r.workload_id)) as counts
		from (select distinct on (person_id) * from signoffs where round_id = $1 and content_sha256 = $2 order by person_id, signed_at desc, id desc) s
		join people p on p.id = s.person_id order by s.signed_at, s.id`
	rows, err := q.Query(ctx, sql, round, content)
	if err != nil {
		return nil, fmt.Errorf("read sign-offs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[SignOff])
}

// ChangedProof is a verdict that is no longer what it was at submission.
type ChangedProof struct {
	Entry    Entry
	Proof    Proof
	Before   string
	Required bool // a new contradiction on a required question: must be acknowledged
}

// Readout is what an approver reads before deciding: the frozen content, the voices, and
// what evidence says now.
type Readout struct {
	Sheet
	Content  Snapshot
	SignOffs []SignOff
	Changed  []ChangedProof
	Unowned  []Entry // highs that nobody mends and nobody accepts
}

// MustAcknowledge reports whether there are new contradictions on required questions.
func (r Readout) MustAcknowledge() bool {
	for _, c := range r.Changed {
		if c.Required {
			return true
		}
	}
	return false
}

// Readout reads a submitted round for deciding. A conflict when it is not submitted.
func (s *Service) Readout(ctx context.Context, who identity.Actor, id uuid.UUID) (Readout, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Readout{}, err
	}
	return s.readout(ctx, s.db, r)
}

func (s *Service) readout(ctx context.Context, q postgres.Batcher, r Review) (Readout, error) {
	var out Readout
	if r.Round.State != Submitted {
		return out, fault.New(fault.Conflict, "Round %d of this review is not submitted, so there is nothing to decide.", r.Round.Number)
	}
	var err error
	if out.Sheet, err = s.sheet(ctx, q, r); err != nil {
		return out, err
	}
	var content []byte
	if err := q.QueryRow(ctx, `select content from rounds where id = $1`, r.Round.ID).Scan(&content); err != nil {
		return out, fmt.Errorf("read content: %w", err)
	}
	if err := json.Unmarshal(content, &out.Content); err != nil {
		return out, fmt.Errorf("decode content: %w", err)
	}
	if out.SignOffs, err = signOffsOf(ctx, q, r.Round.ID, r.Round.ContentSHA256); err != nil {
		return out, err
	}
	items, err := remediation.OfWorkload(ctx, q, r.Workload.ID)
	if err != nil {
		return out, err
	}
	out.Changed, out.Unowned = changedProofs(out.Sheet, out.Content), unowned(out.Sheet, items)
	return out, nil
}

// changedProofs compares the pinned verdicts with those of now.
func changedProofs(sheet Sheet, content Snapshot) []ChangedProof {
	before := map[string]string{}
	for _, section := range content.Sections {
		for _, q := range section.Questions {
			for _, v := range q.Evidence {
				before[section.Questionnaire+"/"+q.ID+"/"+v.Check] = v.Verdict
			}
		}
	}
	var changed []ChangedProof
	for _, e := range sheet.Entries() {
		for _, p := range e.Proofs {
			was := before[e.Key()+"/"+p.Check.ID]
			if was == string(p.State) {
				continue
			}
			isNew := p.Against && was != string(evidence.Contradicts) && was != string(evidence.Mixed)
			changed = append(changed, ChangedProof{Entry: e, Proof: p, Before: was, Required: isNew && e.Answer.Required})
		}
	}
	return changed
}

// SignOffInput is an approver's voice on the content they read.
type SignOffInput struct {
	ReviewID uuid.UUID
	Content  string // hex SHA-256 of the content that was shown
	Seen     string // Readout.Seen of what was shown, to say what changed; may be empty
	Voice    string
	Note     string
}

// SignOff records an approver's voice on the submitted content. An approver who is no
// author may; a later voice of the same person replaces the earlier. A content that is not
// the one shown is a *StaleReadout.
func (s *Service) SignOff(ctx context.Context, who identity.Actor, in SignOffInput) error {
	note := text.Clean(in.Note)
	switch {
	case in.Voice != Agree && in.Voice != Object:
		return fault.InvalidField("voice", "Choose whether you agree or object.")
	case in.Voice == Object && note == "":
		return fault.InvalidField("note", "Say what you object to.")
	case utf8.RuneCountInString(note) > maxNote:
		return fault.InvalidField("note", "Keep the note under 4,000 characters.")
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := s.lockToJudge(ctx, tx, who, in.ReviewID, in.Content, in.Seen)
		if err != nil {
			return err
		}
		const sql = `
			insert into signoffs (id, round_id, person_id, voice, note, outside_team, content_sha256, signed_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`
		id := uuid.Must(uuid.NewV7())
		_, err = tx.Exec(ctx, sql, id, r.Round.ID, who.PersonID, in.Voice, note, !who.InTeam(r.Workload.TeamID), r.Round.ContentSHA256, now)
		if err != nil {
			return judged(err)
		}
		return record(ctx, tx, who, "round.signed_off", r, now,
			audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)}, audit.Detail{Name: "voice", Value: in.Voice},
			audit.Detail{Name: "content_sha256", Value: hex.EncodeToString(r.Round.ContentSHA256)})
	})
	if err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	return nil
}

// lockToJudge locks the review and checks that the actor may judge what they read.
func (s *Service) lockToJudge(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, content, seen string) (Review, error) {
	r, err := lockForUpdate(ctx, tx, who, id)
	if err != nil {
		return r, err
	}
	if err := who.May(identity.Judge, r.Target()); err != nil {
		return r, err
	}
	if r.AuthoredByActor {
		return r, errAuthor()
	}
	if r.Round.State != Submitted {
		return r, fault.New(fault.Conflict, "This round is %s, so it cannot be signed off or decided.", r.Round.State)
	}
	shown, err := hex.DecodeString(content)
	if err != nil || !bytes.Equal(shown, r.Round.ContentSHA256) {
		readout, err := s.readout(ctx, tx, r)
		if err != nil {
			return r, err
		}
		return r, s.sinceSeen(ctx, tx, seen, readout)
	}
	return r, nil
}

// judged turns the database's four-eyes refusal into words.
func judged(err error) error {
	if name, ok := postgres.Constraint(err); ok && name == "four_eyes" {
		return errAuthor()
	}
	return err
}
