package review

import (
	"context"
	"fmt"
	"regexp"
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
	"orrery/internal/text"
	"orrery/internal/workload"
)

// StartInput is what a person says to start a review. An empty ChangeKey means the whole
// workload.
type StartInput struct {
	Type         string
	ChangeKey    string
	ChangeTitle  string
	ChangeTicket string
	Sets         []string // keys of sets to ask beside those of the type
	CarryOver    bool     // begin with what earlier rounds of the workload answered, to be confirmed
	InheritFrom  string   // id of a decided review of another workload, to fill what is left; may be empty
	Agenda       AgendaInput
}

var changeKeyForm = regexp.MustCompile(`^[A-Za-z0-9._/-]{0,80}$`)

func (in *StartInput) check(today time.Time) error {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	in.ChangeKey = strings.TrimSpace(in.ChangeKey)
	in.Type = text.Clean(in.Type)
	in.ChangeTitle = text.Line(in.ChangeTitle)
	in.ChangeTicket = text.Line(in.ChangeTicket)
	if !changeKeyForm.MatchString(in.ChangeKey) {
		add("change_key", "Write the change's key with letters, digits and . _ / - only, for example CHG-4471.")
	}
	if in.ChangeKey == "" && (in.ChangeTitle != "" || in.ChangeTicket != "") {
		add("change_key", "Give the change a key, or empty its title and ticket to review the whole workload.")
	}
	if in.ChangeKey != "" && in.ChangeTitle == "" {
		add("change_title", "Say in a few words what changes.")
	}
	if utf8.RuneCountInString(in.ChangeTitle) > 200 {
		add("change_title", "Keep the title under 200 characters.")
	}
	if t := in.ChangeTicket; t != "" && (utf8.RuneCountInString(t) > 500 || strings.Contains(t, " ") || !strings.HasPrefix(t, "https://") && !strings.HasPrefix(t, "http://")) {
		add("change_ticket", "Write the ticket's address, beginning with https://.")
	}
	bad = append(bad, in.Agenda.check(Agenda{}, today, today)...)
	return fault.InvalidFields(bad...)
}

// Start opens a review of the workload, pinned to the newest version of what its type asks
// and of the extra sets. The owning team may. At most one review is open per subject: a
// second is a conflict. Earlier answers that are carried wait to be confirmed.
func (s *Service) Start(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in StartInput) (Review, error) {
	now := s.now()
	if err := in.check(dayOf(now)); err != nil {
		return Review{}, err
	}
	id := uuid.Must(uuid.NewV7())
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := workload.Hold(ctx, tx, workloadID); err != nil {
			return err
		}
		w, err := workload.Load(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := who.May(identity.StartReview, w.Target()); err != nil {
			return err
		}
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired. Make it planned or live to review it.")
		}
		t, err := typeToStart(ctx, tx, in.Type)
		if err != nil {
			return err
		}
		if t.AboutChange && in.ChangeKey == "" {
			return fault.InvalidField("change_key", "The type \"%s\" reviews a change: give it a key and say what changes.", t.Name)
		}
		r := Review{
			ID: id, Workload: w, TypeKey: t.Key, ChangeKey: in.ChangeKey, ChangeTitle: in.ChangeTitle, ChangeTicket: in.ChangeTicket,
			CorePath: t.CorePath(w.Tier), GatesLaunch: t.GatesLaunch, ValidDays: t.ValidDays, SignoffsNeeded: t.Signoffs[w.Tier-1], Tier: w.Tier,
		}
		if err := insertReview(ctx, tx, r, t, in.Agenda, who, now); err != nil {
			return err
		}
		carried, err := s.firstRound(ctx, tx, who, r, pins(t, in.Sets), in, now)
		if err != nil {
			return err
		}
		return record(ctx, tx, who, "review.started", r, now, audit.Detail{Name: "type", Value: t.Key}, audit.Detail{Name: "tier", Value: strconv.Itoa(w.Tier)},
			audit.Detail{Name: "extra", Value: strings.Join(in.Sets, " ")}, audit.Detail{Name: "carried", Value: strconv.Itoa(carried)},
			audit.Detail{Name: "inherit_from", Value: in.InheritFrom})
	})
	if err != nil {
		return Review{}, fmt.Errorf("start review: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// insertReview writes the review with what it keeps of its type.
func insertReview(ctx context.Context, tx pgx.Tx, r Review, t Type, plan AgendaInput, who identity.Actor, now time.Time) error {
	const review = `
		insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch,
			valid_days, signoffs, tier, started_by, started_at, signoffs_by_tier, target_on, meeting_on, attendees)
		values ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	open, err := isOpen(ctx, tx, r)
	if err != nil {
		return err
	}
	if open {
		return errOpenAlready()
	}
	_, err = tx.Exec(ctx, review, r.ID, r.Workload.ID, r.TypeKey, r.ChangeKey, r.ChangeTitle, r.ChangeTicket, r.CorePath, r.GatesLaunch,
		r.ValidDays, r.SignoffsNeeded, r.Tier, who.PersonID, now, t.Signoffs, plan.target, plan.meeting, plan.Attendees)
	if postgres.IsUnique(err, "reviews_one_open") {
		return errOpenAlready()
	}
	if err != nil {
		return fmt.Errorf("insert review: %w", err)
	}
	return nil
}

func errOpenAlready() error {
	return fault.New(fault.Conflict, "A review of this subject is open already. Finish it, or open it from the workload's page.")
}

// isOpen reports whether a review of the subject of r is open. The index lets no two come at the
// same time, and does not know of a twin, which an older release let come beside another.
func isOpen(ctx context.Context, tx pgx.Tx, r Review) (open bool, err error) {
	const sql = `select exists (select from reviews where workload_id = $1 and lower(change_key) = lower($2) and state = 'open')`
	if err := tx.QueryRow(ctx, sql, r.Workload.ID, r.ChangeKey).Scan(&open); err != nil {
		return false, fmt.Errorf("look for an open review: %w", err)
	}
	return open, nil
}

// firstRound pins the sets and writes the first round with a row per question, and returns
// how many answers it carries: from the workload's own history first, then from the review
// that it inherits from.
func (s *Service) firstRound(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, sets []Pin, in StartInput, now time.Time) (carried int, err error) {
	var own, theirs Past
	if in.CarryOver {
		if own, err = pastOf(ctx, tx, r.Workload.ID, r.ChangeKey); err != nil {
			return 0, err
		}
	}
	if in.InheritFrom != "" {
		if theirs, err = s.inheritFor(ctx, tx, who, r.Workload, in.InheritFrom); err != nil {
			return 0, err
		}
	}
	var answers []Answer
	for i, pin := range sets {
		o, err := s.newest(ctx, tx, pin.Key)
		if fault.Is(err, fault.NotFound) && pin.Extra {
			return 0, fault.InvalidField("sets", "There is no published set \"%s\".", text.Cut(pin.Key))
		}
		if err != nil {
			return 0, err
		}
		const sql = `insert into review_questionnaires (review_id, position, questionnaire_key, version_id, extra) values ($1, $2, $3, $4, $5)`
		if _, err := tx.Exec(ctx, sql, r.ID, i, pin.Key, o.ID, pin.Extra); err != nil {
			return 0, fmt.Errorf("pin %s: %w", pin.Key, err)
		}
		for _, question := range asks(o.set, o.off, r.CorePath && !pin.Extra, r.Tier) {
			a := begin(question, pin.Key+"/"+question.ID, own, theirs)
			a.VersionID = o.ID
			if a.Origin != nil {
				carried++
			}
			answers = append(answers, a)
		}
	}
	round, err := insertRound(ctx, tx, r.ID, 1, now)
	if err != nil {
		return 0, err
	}
	return carried, insertAnswers(ctx, tx, round, answers)
}

// begin is what a question's row begins with: carried from the first history that has it.
func begin(q *questionnaire.Question, key string, histories ...Past) Answer {
	for _, past := range histories {
		if p, ok := past[key]; ok {
			return carry(q, p.answer, *p.answer.origin(p.RoundID))
		}
	}
	return blank(q.ID)
}

// inheritFor reads the answers of the review with the id, as the starter may read it.
func (s *Service) inheritFor(ctx context.Context, tx pgx.Tx, who identity.Actor, w workload.Workload, from string) (Past, error) {
	id, err := uuid.Parse(from)
	if err != nil {
		return nil, fault.InvalidField("inherit_from", "Choose a decided review from the list.")
	}
	if _, err := load(ctx, tx, who, id); fault.Is(err, fault.NotFound) {
		return nil, fault.InvalidField("inherit_from", "Choose a decided review from the list.")
	} else if err != nil {
		return nil, err
	}
	return inherited(ctx, tx, w, id)
}

// record writes the audit row of an act on a review.
func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, r Review, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(r.Workload.ID), Verb: verb, TargetKind: "review", TargetID: r.ID.String(), At: at, Details: details,
	})
}
