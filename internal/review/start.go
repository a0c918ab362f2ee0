package review

import (
	"context"
	"errors"
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

// shippedTypes are the review types that come with the program. They are laid down once;
// what an organisation changes is kept.
var shippedTypes = []Type{{
	Key: "new-service", Name: "New service",
	Description:    "Before a new service takes production traffic: the questions that can block a launch.",
	Questionnaires: []string{"orr"}, CorePath: true, GatesLaunch: true, GateMode: "enforce", ValidDays: 365, Signoffs: []int{2, 1, 1},
}}

// EnsureTypes lays down the shipped review types that are missing.
func (s *Service) EnsureTypes(ctx context.Context) error {
	const sql = `
		insert into review_types (key, name, description, questionnaires, core_path, gates_launch, gate_mode, valid_days, signoffs)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (key) do nothing`
	for _, t := range shippedTypes {
		_, err := s.db.Exec(ctx, sql, t.Key, t.Name, t.Description, t.Questionnaires, t.CorePath, t.GatesLaunch, t.GateMode, t.ValidDays, t.Signoffs)
		if err != nil {
			return fmt.Errorf("lay down review type %s: %w", t.Key, err)
		}
	}
	return nil
}

const typeColumns = `key, name, description, questionnaires, core_path, gates_launch, gate_mode, valid_days, signoffs from review_types`

// Types lists the review types by name. Anyone signed in may.
func (s *Service) Types(ctx context.Context) ([]Type, error) {
	rows, err := s.db.Query(ctx, `select `+typeColumns+` order by name`)
	if err != nil {
		return nil, fmt.Errorf("list review types: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Type])
}

func typeByKey(ctx context.Context, q postgres.Querier, key string) (Type, error) {
	rows, err := q.Query(ctx, `select `+typeColumns+` where key = $1`, key)
	if err != nil {
		return Type{}, fmt.Errorf("read review type: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Type])
	if errors.Is(err, pgx.ErrNoRows) {
		return t, fault.InvalidField("type", "Choose a review type from the list.")
	}
	return t, err
}

// Plan is what a person should know before starting: what would be asked.
type Plan struct {
	Type      Type
	Questions int
	Minutes   int
	Bring     []string // what to have at hand, each once, in the order of the questions
	Signoffs  int
}

// PlanFor tells what a review of the type would ask of the workload.
func (s *Service) PlanFor(ctx context.Context, w workload.Workload, t Type) (Plan, error) {
	p := Plan{Type: t, Signoffs: t.Signoffs[w.Tier-1]}
	seen := map[string]bool{}
	for _, key := range t.Questionnaires {
		pub, err := s.library.Newest(ctx, s.db, key, "")
		if err != nil {
			return p, err
		}
		q, err := s.library.Version(ctx, s.db, pub.ID)
		if err != nil {
			return p, err
		}
		off, err := s.library.SwitchedOff(ctx, s.db, key)
		if err != nil {
			return p, err
		}
		asked := asks(q, off, t.CorePath, w.Tier)
		p.Questions += len(asked)
		if all := len(q.Questions()); all > 0 {
			p.Minutes += q.Minutes * len(asked) / all
		}
		for _, question := range asked {
			for _, b := range question.Bring {
				if !seen[b] {
					seen[b] = true
					p.Bring = append(p.Bring, b)
				}
			}
		}
	}
	return p, nil
}

// asks returns the questions that a review asks of a tier: the core path or all, without
// those that are switched off.
func asks(q *questionnaire.Questionnaire, off map[string]questionnaire.SwitchedOff, corePath bool, tier int) []*questionnaire.Question {
	var asked []*questionnaire.Question
	for _, question := range q.Questions() {
		if _, is := off[question.ID]; !is && (question.CorePath || !corePath) && question.AppliesTo(tier) {
			asked = append(asked, question)
		}
	}
	return asked
}

// StartInput is what a person says to start a review. An empty ChangeKey means the whole
// workload.
type StartInput struct {
	Type         string
	ChangeKey    string
	ChangeTitle  string
	ChangeTicket string
}

var changeKeyForm = regexp.MustCompile(`^[A-Za-z0-9._/-]{0,80}$`)

func (in *StartInput) check() error {
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
	return fault.InvalidFields(bad...)
}

// Start opens a review of the workload, pinned to the newest version of what its type
// asks. The owning team may. At most one review is open per subject: a second is a conflict.
func (s *Service) Start(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in StartInput) (Review, error) {
	if err := in.check(); err != nil {
		return Review{}, err
	}
	now := s.now()
	id := uuid.Must(uuid.NewV7())
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
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
		t, err := typeByKey(ctx, tx, in.Type)
		if err != nil {
			return err
		}
		r := Review{
			ID: id, Workload: w, TypeKey: t.Key, ChangeKey: in.ChangeKey, ChangeTitle: in.ChangeTitle, ChangeTicket: in.ChangeTicket,
			CorePath: t.CorePath, GatesLaunch: t.GatesLaunch, ValidDays: t.ValidDays, SignoffsNeeded: t.Signoffs[w.Tier-1], Tier: w.Tier,
		}
		if err := s.insertReview(ctx, tx, r, t, who, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "review.started", r, now, audit.Detail{Name: "type", Value: t.Key}, audit.Detail{Name: "tier", Value: strconv.Itoa(w.Tier)})
	})
	if err != nil {
		return Review{}, fmt.Errorf("start review: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// insertReview writes the review, its pins, the first round and a row per question.
func (s *Service) insertReview(ctx context.Context, tx pgx.Tx, r Review, t Type, who identity.Actor, now time.Time) error {
	const review = `
		insert into reviews (id, workload_id, type_key, change_key, change_title, change_ticket, state, core_path, gates_launch,
			valid_days, signoffs, tier, started_by, started_at)
		values ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, $11, $12, $13)`
	_, err := tx.Exec(ctx, review, r.ID, r.Workload.ID, r.TypeKey, r.ChangeKey, r.ChangeTitle, r.ChangeTicket, r.CorePath, r.GatesLaunch,
		r.ValidDays, r.SignoffsNeeded, r.Tier, who.PersonID, now)
	if postgres.IsUnique(err, "reviews_one_open") {
		return fault.New(fault.Conflict, "A review of this subject is open already. Finish it, or open it from the workload's page.")
	}
	if err != nil {
		return fmt.Errorf("insert review: %w", err)
	}
	round := uuid.Must(uuid.NewV7())
	if _, err := tx.Exec(ctx, `insert into rounds (id, review_id, number, state, opened_at) values ($1, $2, 1, 'draft', $3)`, round, r.ID, now); err != nil {
		return fmt.Errorf("insert round: %w", err)
	}
	position := 0
	for i, key := range t.Questionnaires {
		pub, err := s.library.Newest(ctx, tx, key, "")
		if err != nil {
			return err
		}
		const pin = `insert into review_questionnaires (review_id, position, questionnaire_key, version_id) values ($1, $2, $3, $4)`
		if _, err := tx.Exec(ctx, pin, r.ID, i, key, pub.ID); err != nil {
			return fmt.Errorf("pin %s: %w", key, err)
		}
		q, err := s.library.Version(ctx, tx, pub.ID)
		if err != nil {
			return err
		}
		off, err := s.library.SwitchedOff(ctx, tx, key)
		if err != nil {
			return err
		}
		var rows [][]any
		for _, question := range asks(q, off, r.CorePath, r.Tier) {
			rows = append(rows, []any{round, pub.ID, question.ID, position, true})
			position++
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"answers"}, []string{"round_id", "version_id", "question_id", "position", "required"}, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("insert answers: %w", err)
		}
	}
	return nil
}

// record writes the audit row of an act on a review.
func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, r Review, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(r.Workload.ID), Verb: verb, TargetKind: "review", TargetID: r.ID.String(), At: at, Details: details,
	})
}
