package review

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// ConditionInput is one demand of a conditional decision.
type ConditionInput struct {
	Text    string
	Timing  string // remediation.BeforeLaunch, remediation.AfterLaunch
	OwnerID string
	DueOn   string // 2006-01-02; may be empty before launch: the launch date, or two weeks
}

// DecideInput is the outcome as the decider gave it.
type DecideInput struct {
	ReviewID    uuid.UUID
	Content     string // hex SHA-256 of the content that was shown
	Outcome     string
	Reason      string
	Acknowledge bool   // new contradictions on required questions were read
	Seen        string // Readout.Seen of what was shown
	Conditions  []ConditionInput
}

// ConditionField names the form field of a part of condition i.
func ConditionField(part string, i int) string { return "condition_" + part + "_" + strconv.Itoa(i) }

const maxConditions = 20

// Decide seals the submitted round with an outcome. One accountable approver who is no
// author decides; the sign-offs the review needs must agree, in tier 1 somebody from
// outside the team among them; overruling an objection and a no-go need a reason; a plain go
// is refused while highs are open that are not accepted, a conditional one while a high has
// neither an owner nor an acceptance; a new contradiction on a required question must be
// acknowledged. What changed since the decider read it is a *StaleReadout. A go or conditional
// go closes the review, a no-go opens the next round with
// the answers kept.
func (s *Service) Decide(ctx context.Context, who identity.Actor, in DecideInput) (Review, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := s.lockToJudge(ctx, tx, who, in.ReviewID, in.Content, in.Seen)
		if err != nil {
			return err
		}
		if err := remediation.LockStanding(ctx, tx, r.Workload.ID); err != nil {
			return err
		}
		readout, err := s.readout(ctx, tx, r)
		if err != nil {
			return err
		}
		if in.Seen != readout.Seen() {
			return s.sinceSeen(ctx, tx, in.Seen, readout)
		}
		d, err := in.check(readout, now)
		if err != nil {
			return err
		}
		if err := mayDecide(who, readout, d); err != nil {
			return err
		}
		return s.seal(ctx, tx, who, readout, d, now)
	})
	if err != nil {
		return Review{}, fmt.Errorf("decide: %w", err)
	}
	return load(ctx, s.db, who, in.ReviewID)
}

// decided is a checked DecideInput.
type decided struct {
	id         uuid.UUID
	outcome    string
	reason     string
	validUntil *time.Time
	conditions []condition
}

type condition struct {
	text, timing, ownerName string
	owner                   uuid.UUID
	due                     time.Time
}

// check reads the input against the readout: Invalid with a message per field.
func (in DecideInput) check(r Readout, now time.Time) (decided, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	d := decided{id: uuid.Must(uuid.NewV7()), outcome: in.Outcome, reason: text.Clean(in.Reason)}
	highs := Count(r.Entries()).Unaccepted
	switch {
	case !slices.Contains([]string{Go, Conditional, NoGo}, in.Outcome):
		add("outcome", "Choose go, conditional go or no-go.")
	case in.Outcome == Go && highs > 0:
		add("outcome", fmt.Sprintf("%d high %s open and not accepted, so a plain go is refused. Choose conditional go and say what must be done, or no-go.", highs, plural(highs, "risk is", "risks are")))
	case in.Outcome == Conditional && len(r.Unowned) > 0:
		add("outcome", fmt.Sprintf("%d high %s neither an owner nor a running acceptance. Grant what is asked for, or request changes.", len(r.Unowned), plural(len(r.Unowned), "risk has", "risks have")))
	case in.Outcome == Conditional && len(in.Conditions) == 0:
		add(ConditionField("text", 0), "Write at least one condition, or choose another outcome.")
	case in.Outcome == NoGo && d.reason == "":
		add("reason", "Say why it is a no-go, so that the team knows what to mend.")
	}
	if d.reason == "" && in.Outcome != NoGo && objections(r.SignOffs) > 0 {
		add("reason", "Somebody objects. Say why you decide otherwise.")
	}
	if utf8.RuneCountInString(d.reason) > 10_000 {
		add("reason", "Keep the reason under 10,000 characters.")
	}
	if r.MustAcknowledge() && !in.Acknowledge {
		add("acknowledge", "Evidence turned against answers since submission. Read it and tick that you decide knowing it.")
	}
	if in.Outcome == Conditional {
		var more []fault.Field
		d.conditions, more = checkConditions(in.Conditions, r, now)
		bad = append(bad, more...)
	}
	if in.Outcome != NoGo {
		until := now.AddDate(0, 0, r.ValidDays)
		d.validUntil = &until
	}
	return d, fault.InvalidFields(bad...)
}

func checkConditions(list []ConditionInput, r Readout, now time.Time) (out []condition, bad []fault.Field) {
	add := func(part string, i int, message string) {
		bad = append(bad, fault.Field{Name: ConditionField(part, i), Message: message})
	}
	if len(list) > maxConditions {
		add("text", maxConditions, "Write at most 20 conditions.")
		return nil, bad
	}
	for i, in := range list {
		c := condition{text: text.Clean(in.Text), timing: in.Timing}
		if n := utf8.RuneCountInString(c.text); n == 0 || n > 300 {
			add("text", i, "Write the condition in at most 300 characters.")
		}
		if c.timing != remediation.BeforeLaunch && c.timing != remediation.AfterLaunch {
			add("timing", i, "Choose whether it holds before or after launch.")
		}
		var err error
		if c.owner, err = uuid.Parse(in.OwnerID); err != nil {
			add("owner", i, "Choose who sees to it.")
		}
		c.due, err = time.Parse(time.DateOnly, in.DueOn)
		switch {
		case in.DueOn == "" && c.timing == remediation.BeforeLaunch:
			c.due = beforeLaunch(r.Workload.LaunchOn, now)
		case in.DueOn == "":
			add("due_on", i, "A condition after launch needs a date.")
		case err != nil || c.due.Year() < 2000 || c.due.Year() > 2200:
			add("due_on", i, "Write the date as year-month-day, for example 2026-11-30.")
		case c.due.Before(now.UTC().Truncate(24 * time.Hour)):
			add("due_on", i, "The date is in the past.")
		}
		out = append(out, c)
	}
	return out, bad
}

// beforeLaunch is the launch day when it is ahead, else two weeks from now.
func beforeLaunch(launch *time.Time, now time.Time) time.Time {
	if launch != nil && launch.After(now) {
		return *launch
	}
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 14)
}

func objections(list []SignOff) (n int) {
	for _, s := range list {
		if s.Voice == Object && s.Counts {
			n++
		}
	}
	return n
}

// Missing says which sign-offs a go still needs, by whoever would decide; empty when none.
func (r Readout) Missing(deciderOutside bool) string {
	agree, outside := 0, deciderOutside
	for _, s := range r.SignOffs {
		if s.Voice == Agree && s.Counts {
			agree++
			outside = outside || s.OutsideTeam
		}
	}
	switch {
	case agree < r.SignoffsNeeded:
		return fmt.Sprintf("%d of %d sign-offs agree, so a go is refused until %s more %s.", agree, r.SignoffsNeeded,
			strconv.Itoa(r.SignoffsNeeded-agree), plural(r.SignoffsNeeded-agree, "approver agrees", "approvers agree"))
	case r.Tier == 1 && !outside:
		return "Tier 1 needs somebody from outside " + r.Workload.TeamName + " to agree or to decide."
	}
	return ""
}

// mayDecide checks the voices; a no-go needs none.
func mayDecide(who identity.Actor, r Readout, d decided) error {
	if d.outcome == NoGo {
		return nil
	}
	if words := r.Missing(!who.InTeam(r.Workload.TeamID)); words != "" {
		return fault.New(fault.Conflict, "%s", words)
	}
	return nil
}

// seal opens the items of the conditions, writes the decision with the sealed record, and
// closes the review or opens its next round.
func (s *Service) seal(ctx context.Context, tx pgx.Tx, who identity.Actor, r Readout, d decided, now time.Time) error {
	items, err := openConditions(ctx, tx, who, r, d, now)
	if err != nil {
		return err
	}
	if err := settle(ctx, tx, r, d, now); err != nil {
		return err
	}
	record, err := s.sealedRecord(ctx, tx, who, r, d, now)
	if err != nil {
		return err
	}
	encoded, sum, err := encode(record)
	if err != nil {
		return err
	}
	if err := insertDecision(ctx, tx, who, r, d, items, encoded, sum, now); err != nil {
		return err
	}
	if err := s.insertCheckpoint(ctx, tx, r, d.id, sum, now); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update rounds set state = 'sealed' where id = $1`, r.Round.ID); err != nil {
		return fmt.Errorf("seal round: %w", err)
	}
	if d.outcome == NoGo {
		err = s.nextRound(ctx, tx, r.Review, now)
	} else {
		_, err = tx.Exec(ctx, `update reviews set state = 'closed', closed_at = $2 where id = $1`, r.ID, now)
	}
	if err != nil {
		return fmt.Errorf("finish review: %w", err)
	}
	return recordDecision(ctx, tx, who, r, d, sum, now)
}

func recordDecision(ctx context.Context, tx pgx.Tx, who identity.Actor, r Readout, d decided, seal []byte, now time.Time) error {
	return record(ctx, tx, who, "round.decided", r.Review, now,
		audit.Detail{Name: "round", Value: strconv.Itoa(r.Round.Number)}, audit.Detail{Name: "outcome", Value: d.outcome},
		audit.Detail{Name: "content_sha256", Value: hex.EncodeToString(r.Round.ContentSHA256)},
		audit.Detail{Name: "seal_sha256", Value: hex.EncodeToString(seal)})
}

func openConditions(ctx context.Context, tx pgx.Tx, who identity.Actor, r Readout, d decided, now time.Time) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	for i := range d.conditions {
		c := &d.conditions[i]
		id, err := remediation.OpenItem(ctx, tx, who, remediation.Opening{
			WorkloadID: r.Workload.ID, CauseKind: remediation.CauseCondition, CauseKey: d.id.String() + "/" + strconv.Itoa(i+1),
			Title: c.text, Detail: "A condition of the decision on " + r.Title() + ", round " + strconv.Itoa(r.Round.Number) + ".",
			Risk: "high", Timing: c.timing, Href: r.Path() + "/record", OwnerID: c.owner, DueOn: c.due,
		}, now)
		if err != nil {
			if f := fault.FieldsOf(err); len(f) > 0 {
				return nil, fault.InvalidField(ConditionField("owner", i), "%s", f[0].Message)
			}
			return nil, err
		}
		if err := tx.QueryRow(ctx, `select name from people where id = $1`, c.owner).Scan(&c.ownerName); err != nil {
			return nil, fmt.Errorf("read owner: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// sealedRecord gathers the whole record: content by hash, items, sign-offs, decision.
func (s *Service) sealedRecord(ctx context.Context, tx pgx.Tx, who identity.Actor, r Readout, d decided, now time.Time) (Seal, error) {
	seal := Seal{
		Schema: 1, ContentSHA256: hex.EncodeToString(r.Round.ContentSHA256),
		Acceptances: snapshotAcceptances(r.Sheet), Items: []SealedItem{}, SignOffs: []SealedSignOff{}, Evidence: []SealedNewProof{},
		Decision: SealedDecision{
			Outcome: d.outcome, Reason: d.reason, DecidedBy: who.Name, DecidedAt: moment(&now), ValidUntil: moment(d.validUntil),
			Conditions: []SealedCondition{},
		},
	}
	items, err := remediation.OfWorkload(ctx, tx, r.Workload.ID)
	if err != nil {
		return seal, err
	}
	seal.Items = sealedItems(items)
	for _, v := range r.SignOffs {
		seal.SignOffs = append(seal.SignOffs, sealedVoice(v))
	}
	for _, c := range d.conditions {
		seal.Decision.Conditions = append(seal.Decision.Conditions, SealedCondition{Text: c.text, Timing: c.timing, Owner: c.ownerName, DueOn: c.due.Format(time.DateOnly)})
	}
	for _, c := range r.Changed {
		seal.Evidence = append(seal.Evidence, SealedNewProof{Question: c.Entry.Key(), Check: c.Proof.Check.ID, Before: c.Before, Now: string(c.Proof.State)})
	}
	return seal, nil
}

func sealedVoice(v SignOff) SealedSignOff {
	return SealedSignOff{Person: v.Person, Voice: v.Voice, Note: v.Note, OutsideTeam: v.OutsideTeam, SignedAt: moment(&v.SignedAt)}
}

// sealedItems lists the unfinished items of a workload, as a record keeps them.
func sealedItems(items []remediation.Item) []SealedItem {
	list := []SealedItem{}
	for _, it := range items {
		if it.Finished() {
			continue
		}
		sealed := SealedItem{
			ID: it.ID.String(), Title: it.Title, Cause: it.CauseKind, Risk: it.Risk, Timing: it.Timing, Owner: it.OwnerName,
			DueOn: it.DueOn.Format(time.DateOnly), State: it.State,
		}
		if it.CauseKind == remediation.CauseQuestion {
			sealed.Key = it.CauseKey
		}
		list = append(list, sealed)
	}
	return list
}

func insertDecision(ctx context.Context, tx pgx.Tx, who identity.Actor, r Readout, d decided, items []uuid.UUID, seal, sum []byte, now time.Time) error {
	const sql = `
		insert into decisions (id, round_id, outcome, reason, decided_by, decided_at, valid_until, content_sha256, seal, seal_sha256)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	_, err := tx.Exec(ctx, sql, d.id, r.Round.ID, d.outcome, d.reason, who.PersonID, now, d.validUntil, r.Round.ContentSHA256, seal, sum)
	if err != nil {
		return judged(err)
	}
	for i, c := range d.conditions {
		const sql = `insert into conditions (decision_id, position, text, timing, due_on, owner_id, item_id) values ($1, $2, $3, $4, $5, $6, $7)`
		if _, err := tx.Exec(ctx, sql, d.id, i+1, c.text, c.timing, c.due, c.owner, items[i]); err != nil {
			return fmt.Errorf("insert condition: %w", err)
		}
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
