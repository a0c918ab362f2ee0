package questionnaire

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// SwitchedOff is a question of a shipped set that new reviews do not ask. From its day of
// review it is asked again, unless somebody switches it off anew.
type SwitchedOff struct {
	Question string // its id
	Reason   string
	ReviewOn time.Time // a day, UTC
	By       string    // name of the person, empty for a part of the system
	At       time.Time
}

// longestOff is how far ahead a day of review may be, in days.
const longestOff = 366

// SwitchedOff returns the questions of the set that are off today, by their ids.
func (l *Library) SwitchedOff(ctx context.Context, q postgres.Querier, key string) (map[string]SwitchedOff, error) {
	rows, err := q.Query(ctx, `
		select s.question_id as question, s.reason, s.review_on, s.switched_at as at,
			coalesce((select p.name from people p where p.id = s.switched_by), '') as by
		from switched_off_questions s where s.questionnaire_key = $1 and s.ended_at is null and s.review_on > $2::date`, key, l.today())
	if err != nil {
		return nil, fmt.Errorf("read switched off questions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[SwitchedOff])
	if err != nil {
		return nil, fmt.Errorf("read switched off questions: %w", err)
	}
	off := make(map[string]SwitchedOff, len(list))
	for _, s := range list {
		off[s.Question] = s
	}
	return off, nil
}

func (l *Library) today() time.Time { return l.now().UTC().Truncate(24 * time.Hour) }

// SwitchOff keeps a question of a shipped set out of reviews that start from now on, until
// the day of review (yyyy-mm-dd). Running reviews ask it still. Curators may: Forbidden for
// others. Not found without such a question; Invalid on "reason" and "review_on", and for a
// set of the organisation, which is edited instead; Conflict when it is off already.
func (l *Library) SwitchOff(ctx context.Context, who identity.Actor, key, question, reason, reviewOn string) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	if err := l.shippedQuestion(ctx, key, question); err != nil {
		return err
	}
	bad := needText(nil, "reason", reason, "Say why nobody should be asked this.", 2000)
	day, err := time.Parse(time.DateOnly, reviewOn)
	if today := l.today(); err != nil || !day.After(today) || day.After(today.AddDate(0, 0, longestOff)) {
		bad = append(bad, fault.Field{Name: "review_on", Message: "Choose a day after today and within a year, on which it is asked again."})
	}
	if len(bad) > 0 {
		return fault.InvalidFields(bad...)
	}
	now := l.now()
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const over = `update switched_off_questions set ended_at = $3
			where questionnaire_key = $1 and question_id = $2 and ended_at is null and review_on <= $4::date`
		if _, err := tx.Exec(ctx, over, key, question, now, l.today()); err != nil {
			return err
		}
		const sql = `insert into switched_off_questions (id, questionnaire_key, question_id, reason, review_on, switched_by, switched_at)
			values ($1, $2, $3, $4, $5, $6, $7)`
		if _, err := tx.Exec(ctx, sql, uuid.Must(uuid.NewV7()), key, question, reason, day, personOf(who), now); err != nil {
			return err
		}
		return recordQuestion(ctx, tx, who, "question.switched_off", key, question, now, audit.Detail{Name: "review_on", Value: reviewOn})
	})
	if postgres.IsUnique(err, "switched_off_questions_once") {
		return fault.New(fault.Conflict, "This question is switched off already.")
	}
	if err != nil {
		return fmt.Errorf("switch off %s of %s: %w", question, key, err)
	}
	return nil
}

// SwitchOn ends it: reviews that start from now on ask the question again. Curators may:
// Forbidden for others. Conflict when the question is not off.
func (l *Library) SwitchOn(ctx context.Context, who identity.Actor, key, question string) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	now := l.now()
	err := pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const sql = `update switched_off_questions set ended_at = $3, ended_by = $4
			where questionnaire_key = $1 and question_id = $2 and ended_at is null`
		tag, err := tx.Exec(ctx, sql, key, question, now, personOf(who))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "This question is not switched off.")
		}
		return recordQuestion(ctx, tx, who, "question.switched_on", key, question, now)
	})
	if err != nil {
		return fmt.Errorf("switch on %s of %s: %w", question, key, err)
	}
	return nil
}

// shippedQuestion wants the question in the newest version of a shipped set.
func (l *Library) shippedQuestion(ctx context.Context, key, question string) error {
	p, err := l.Newest(ctx, l.db, key, "")
	if err != nil {
		return err
	}
	set, err := l.Version(ctx, l.db, p.ID)
	if err != nil {
		return err
	}
	if _, ok := set.Question(question); !ok {
		return fault.New(fault.NotFound, "There is no such question in the set.")
	}
	origin, err := l.Origin(ctx, l.db, key)
	if err == nil && origin != Shipped {
		return fault.New(fault.Invalid, "This set is your organisation's own. Take the question out of its next version instead.")
	}
	return err
}

func recordQuestion(ctx context.Context, tx pgx.Tx, who identity.Actor, verb, key, question string, at time.Time, more ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.OrgStream, Verb: verb, TargetKind: "question", TargetID: key + "/" + question, At: at,
		Details: append([]audit.Detail{{Name: "key", Value: key}, {Name: "question", Value: question}}, more...),
	})
}
