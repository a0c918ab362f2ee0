package review

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// FirstStep says who mends a high risk, and until when.
type FirstStep struct {
	OwnerID string // a person's id
	DueOn   string // 2006-01-02
}

// SubmitInput hands a draft over for decision. Steps holds, by Entry.Key, the owner and
// due day of the item for each high risk.
type SubmitInput struct {
	ReviewID uuid.UUID
	Steps    map[string]FirstStep
}

// FieldName is the form field of a first step: "owner" or "due_on" for an Entry.Key.
func FieldName(what, key string) string { return what + ":" + key }

// Submit freezes the round: answers can no longer change, verdicts are pinned, the content
// is hashed, and an item is open for each high that is neither accepted nor asked to be. The
// owning team may. A conflict lists what blocks; a high without owner or due day, and without
// an acceptance that runs or is asked for, is Invalid beside its field.
func (s *Service) Submit(ctx context.Context, who identity.Actor, in SubmitInput) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.SubmitReview, r.Target()); err != nil {
			return err
		}
		if r.Round.State != Draft || r.State != Open {
			return fault.New(fault.Conflict, "This round is %s already.", r.Round.State)
		}
		if err := remediation.LockStanding(ctx, tx, r.Workload.ID); err != nil {
			return err
		}
		sheet, err := s.sheet(ctx, tx, r)
		if err != nil {
			return err
		}
		if blockers := sheet.Blockers(); len(blockers) > 0 {
			return fault.New(fault.Conflict, "%s block submission. Each is listed below with a link.", things(blockers))
		}
		if err := s.openItems(ctx, tx, who, sheet, in.Steps, now); err != nil {
			return err
		}
		return s.freeze(ctx, tx, who, sheet, now)
	})
	if err != nil {
		return Review{}, fmt.Errorf("submit review: %w", err)
	}
	return load(ctx, s.db, who, in.ReviewID)
}

// things counts what blocks, the unanswered apart from what is to be confirmed.
func things(blockers []Blocker) string {
	confirm := 0
	for _, b := range blockers {
		if b.ToConfirm {
			confirm++
		}
	}
	open := len(blockers) - confirm
	words := strconv.Itoa(open) + " unanswered " + plural(open, "question", "questions")
	toConfirm := strconv.Itoa(confirm) + " " + plural(confirm, "answer", "answers") + " to confirm"
	switch {
	case confirm == 0:
		return words
	case open == 0:
		return toConfirm
	}
	return words + " and " + toConfirm
}

// openItems opens an item for each high, and marks the items of what is no longer high.
func (s *Service) openItems(ctx context.Context, tx pgx.Tx, who identity.Actor, sheet Sheet, steps map[string]FirstStep, now time.Time) error {
	openings, err := openings(sheet, steps, now.UTC().Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	for _, o := range openings {
		if _, err := remediation.OpenItem(ctx, tx, who, o, now); err != nil {
			if f := fault.FieldsOf(err); len(f) > 0 {
				return fault.InvalidField(FieldName("owner", o.CauseKey), "%s", f[0].Message)
			}
			return err
		}
	}
	for _, e := range sheet.Entries() {
		if e.Answer.Risk.CountsAsHigh() {
			continue
		}
		words := fmt.Sprintf("Round %d of %s was submitted with another answer: %s.", sheet.Round.Number, sheet.Title(), e.Answer.Risk.Label())
		if err := remediation.MendItem(ctx, tx, who, sheet.Workload.ID, remediation.CauseQuestion, e.Key(), words, e.Answer.SavedByID, now); err != nil {
			return err
		}
	}
	return nil
}

// needsStep reports whether submission asks who mends the high: it is not accepted, and either
// nobody asked for that or something was said about the step.
func (e *Entry) needsStep(said FirstStep) bool {
	return e.Accepted() == nil && (e.AskedToAccept() == nil || said != (FirstStep{}))
}

// openings turns the highs and what was said about them into items to open: none for what is
// accepted, nor for what is asked to be and has no owner yet.
func openings(sheet Sheet, steps map[string]FirstStep, today time.Time) ([]remediation.Opening, error) {
	var list []remediation.Opening
	var bad []fault.Field
	for _, e := range sheet.Highs() {
		step := steps[e.Key()]
		if !e.needsStep(step) {
			continue
		}
		owner, err := uuid.Parse(step.OwnerID)
		if err != nil {
			bad = append(bad, fault.Field{Name: FieldName("owner", e.Key()), Message: "Choose who mends this."})
		}
		due, err := time.Parse(time.DateOnly, step.DueOn)
		if err != nil || due.Year() < 2000 || due.Year() > 2200 {
			bad = append(bad, fault.Field{Name: FieldName("due_on", e.Key()), Message: "Write the due date as year-month-day, for example 2026-11-30."})
		} else if due.Before(today) {
			bad = append(bad, fault.Field{Name: FieldName("due_on", e.Key()), Message: "This day is over. Choose today or a later one."})
		}
		list = append(list, remediation.Opening{
			WorkloadID: sheet.Workload.ID, CauseKind: remediation.CauseQuestion, CauseKey: e.Key(),
			Title: e.Question.Title, Detail: missing(e), Risk: "high", Href: sheet.QuestionPath(e), OwnerID: owner, DueOn: due,
		})
	}
	return list, fault.InvalidFields(bad...)
}

// missing says what lowers the risk: the smallest sets of choices that explain found.
func missing(e Entry) string {
	x := e.Question.Explain(e.Answer.Selection())
	if e.Answer.Unknown {
		return "Nobody knows the answer yet. Find out."
	}
	for _, advice := range x.Advice {
		var lines []string
		for _, id := range advice.Tick {
			if c, ok := e.Question.Choice(id); ok {
				lines = append(lines, "- "+c.Title)
			}
		}
		if len(lines) > 0 {
			return "Make true:\n" + strings.Join(lines, "\n")
		}
	}
	return x.Sentence
}

// freeze builds the snapshot and moves the round to submitted.
func (s *Service) freeze(ctx context.Context, tx pgx.Tx, who identity.Actor, sheet Sheet, now time.Time) error {
	sheet.Round.Submissions++
	sheet.Round.SubmittedBy, sheet.Round.SubmittedAt = who.Name, &now
	snap, err := s.snapshot(ctx, tx, sheet)
	if err != nil {
		return err
	}
	content, sum, err := encode(snap)
	if err != nil {
		return err
	}
	const sql = `
		update rounds set state = 'submitted', content_before = content, submissions = $2, submitted_by = $3, submitted_at = $4, content = $5, content_sha256 = $6
		where id = $1`
	if _, err := tx.Exec(ctx, sql, sheet.Round.ID, sheet.Round.Submissions, who.PersonID, now, content, sum); err != nil {
		return fmt.Errorf("freeze round: %w", err)
	}
	c := Count(sheet.Entries())
	return record(ctx, tx, who, "round.submitted", sheet.Review, now,
		audit.Detail{Name: "round", Value: strconv.Itoa(sheet.Round.Number)},
		audit.Detail{Name: "content_sha256", Value: fmt.Sprintf("%x", sum)},
		audit.Detail{Name: "high", Value: strconv.Itoa(c.High)},
		audit.Detail{Name: "medium", Value: strconv.Itoa(c.Medium)})
}

// Withdraw takes a submitted round back to draft, so that answers can change. The owning
// team may; sign-offs on the withdrawn content no longer count.
func (s *Service) Withdraw(ctx context.Context, who identity.Actor, id uuid.UUID) (Review, error) {
	return s.backToDraft(ctx, who, id, identity.SubmitReview, "round.withdrawn", "")
}

// RequestChanges sends a submitted round back to its team with a note. An approver who is
// no author may.
func (s *Service) RequestChanges(ctx context.Context, who identity.Actor, id uuid.UUID, note string) (Review, error) {
	note = text.Clean(note)
	if note == "" {
		return Review{}, fault.InvalidField("reason", "Say what should change, so that the team can act on it.")
	}
	if utf8.RuneCountInString(note) > maxNote {
		return Review{}, fault.InvalidField("reason", "Keep it under 4,000 characters.")
	}
	return s.backToDraft(ctx, who, id, identity.Judge, "round.changes_requested", note)
}

func (s *Service) backToDraft(ctx context.Context, who identity.Actor, id uuid.UUID, action identity.Action, verb, note string) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := who.May(action, r.Target()); err != nil {
			return err
		}
		if action == identity.Judge && r.AuthoredByActor {
			return errAuthor()
		}
		if r.Round.State != Submitted {
			return fault.New(fault.Conflict, "This round is %s, not submitted.", r.Round.State)
		}
		const sql = `update rounds set state = 'draft', returned_note = $2, returned_by = $3, returned_at = $4 where id = $1`
		if _, err := tx.Exec(ctx, sql, r.Round.ID, note, who.PersonID, now); err != nil {
			return fmt.Errorf("reopen round: %w", err)
		}
		return record(ctx, tx, who, verb, r, now, audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)})
	})
	if err != nil {
		return Review{}, fmt.Errorf("return round to draft: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// snapshot writes down everything a sign-off binds to.
func (s *Service) snapshot(ctx context.Context, q postgres.Querier, sheet Sheet) (Snapshot, error) {
	w := sheet.Workload
	snap := Snapshot{Schema: 1, Acceptances: snapshotAcceptances(sheet), Workload: SnapshotWorkload{
		ID: w.ID.String(), Key: w.Key, Name: w.Name, Team: w.TeamName, Tier: w.Tier, Stage: w.Stage, LaunchOn: day(w.LaunchOn),
		Accounts: []string{}, Regions: []string{}, Tags: []string{},
	}, Review: SnapshotReview{
		ID: sheet.ID.String(), Type: sheet.TypeKey, TypeName: sheet.TypeName, ChangeKey: sheet.ChangeKey, ChangeTitle: sheet.ChangeTitle,
		ChangeTicket: sheet.ChangeTicket, CorePath: sheet.CorePath, Round: sheet.Round.Number, Submission: sheet.Round.Submissions,
		SubmittedBy: sheet.Round.SubmittedBy, SubmittedAt: moment(sheet.Round.SubmittedAt),
	}}
	if err := readFrame(ctx, q, sheet, &snap); err != nil {
		return snap, err
	}
	for _, pin := range sheet.Pins {
		set, err := s.library.Version(ctx, q, pin.VersionID)
		if err != nil {
			return snap, err
		}
		pub, err := s.library.Newest(ctx, q, pin.Key, set.Version)
		if err != nil {
			return snap, err
		}
		snap.Questionnaires = append(snap.Questionnaires, SnapshotQuestionnaire{Key: pin.Key, Name: set.Name, Version: set.Version, SHA256: fmt.Sprintf("%x", pub.SHA256)})
	}
	for _, section := range sheet.Sections {
		out := SnapshotSection{Questionnaire: section.Questionnaire, ID: section.ID, Name: section.Name}
		for _, e := range section.Entries {
			out.Questions = append(out.Questions, snapshotQuestion(e))
		}
		snap.Sections = append(snap.Sections, out)
	}
	return snap, nil
}

// readFrame reads what a sheet does not hold: the organisation and the production scope.
func readFrame(ctx context.Context, q postgres.Querier, sheet Sheet, snap *Snapshot) error {
	const sql = `
		select coalesce((select name from organisation), ''), coalesce(s.accounts, '{}'), coalesce(s.regions, '{}'), coalesce(s.tags, '{}')
		from workloads w left join scopes s on s.workload_id = w.id and s.production where w.id = $1`
	w := &snap.Workload
	if err := q.QueryRow(ctx, sql, sheet.Workload.ID).Scan(&snap.Organisation, &w.Accounts, &w.Regions, &w.Tags); err != nil {
		return fmt.Errorf("read scope: %w", err)
	}
	return nil
}

func snapshotQuestion(e Entry) SnapshotQuestion {
	q, a := e.Question, e.Answer
	out := SnapshotQuestion{
		ID: q.ID, Title: q.Title, Description: q.Description, Why: q.Why, Good: q.Good, Bring: append([]string{}, q.Bring...),
		Required: a.Required, Risk: string(a.Risk), Explanation: q.Explain(a.Selection()).Sentence, Unknown: a.Unknown,
		NotApplicable: a.NotApplicable, Reason: a.Reason, Notes: a.Notes, ToConfirm: a.ToConfirm, AnsweredBy: a.SavedBy, AnsweredAt: moment(a.SavedAt),
		Choices: []SnapshotChoice{}, Evidence: []SnapshotVerdict{},
	}
	for _, c := range q.Choices {
		reason, na := a.NAReason(c.ID)
		out.Choices = append(out.Choices, SnapshotChoice{
			ID: c.ID, Title: c.Title, Weight: weightWord(c), Chosen: a.Has(c.ID), NotApplicable: na, Reason: reason, FirstStep: c.FirstStep.Text,
		})
	}
	for _, p := range e.Proofs {
		out.Evidence = append(out.Evidence, snapshotProof(p))
	}
	return out
}

func weightWord(c questionnaire.Choice) string {
	if c.None {
		return ""
	}
	return string(c.Weight)
}

func snapshotProof(p Proof) SnapshotVerdict {
	v := p.Verdict
	out := SnapshotVerdict{
		Check: p.Check.ID, Choice: p.Check.Choice, Claim: p.Check.Claim, Source: p.Check.Source, Key: p.Check.Key,
		Verdict: string(p.State), Against: p.Against, Detail: v.Detail, Passed: v.Passed, Failed: v.Failed,
		Suppressed: v.Suppressed, NotEvaluated: v.NotEvaluated, AsOf: instant(v.AsOf), Failing: []SnapshotFailing{},
	}
	if !p.Read {
		out.Detail = NeverCollected
	}
	for _, f := range v.Failing {
		out.Failing = append(out.Failing, SnapshotFailing{Resource: f.Resource, Account: f.Account, Region: f.Region, Note: f.Note})
	}
	return out
}

// NeverCollected is what stands beside a check for which nobody has looked yet.
const NeverCollected = "Evidence has not been collected for this check yet."

// moment, instant and day write times as a snapshot keeps them; absent ones are empty.
func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return instant(*t)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
