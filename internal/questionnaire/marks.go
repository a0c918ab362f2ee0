package questionnaire

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// MarkKind is what a reader found about a question.
type MarkKind string

// The kinds of marks.
const (
	MarkUnclear   MarkKind = "unclear"
	MarkNotUseful MarkKind = "not_useful"
)

// Label returns the kind in the words of a page: "unclear", "not useful".
func (k MarkKind) Label() string {
	if k == MarkNotUseful {
		return "not useful"
	}
	return string(k)
}

// maxNote is how many characters a mark or its settlement may have.
const maxNote = 500

// Mark is what one reader found about a question of a published version. It knows nothing of
// the review it was made in.
type Mark struct {
	ID          uuid.UUID
	Question    string // its id
	Version     string // of the set it was made on
	Kind        MarkKind
	Note        string
	By          string // name of the person
	At          time.Time
	SettledAt   *time.Time // nil while it is open
	SettledBy   string
	SettledNote string
}

// MarkInput is what a form says of a question.
type MarkInput struct {
	Key, Version, Question string    // an empty version is the newest
	VersionID              uuid.UUID // of the version, instead of its number
	Kind                   MarkKind
	Note                   string
}

// MarkCount counts the open marks of a question.
type MarkCount struct{ Unclear, NotUseful int }

// Mark keeps what a person found about a published question; it takes the place of their
// open mark on it. Anyone signed in may. Forbidden for what is no person; not found without
// such a version or question; Invalid on "kind" and "note".
func (l *Library) Mark(ctx context.Context, who identity.Actor, in MarkInput) error {
	if err := who.May(identity.MarkQuestions, identity.Target{}); err != nil {
		return err
	}
	p, err := l.markable(ctx, in)
	if err != nil {
		return err
	}
	var bad []fault.Field
	if in.Kind != MarkUnclear && in.Kind != MarkNotUseful {
		bad = append(bad, fault.Field{Name: "kind", Message: "Choose what it is."})
	}
	if bad = fitText(bad, "note", in.Note, maxNote); len(bad) > 0 {
		return fault.InvalidFields(bad...)
	}
	now := l.now()
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const sql = `insert into question_marks (id, questionnaire_key, question_id, version_id, kind, note, marked_by, marked_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (questionnaire_key, question_id, marked_by) where settled_at is null do update
			set id = excluded.id, version_id = excluded.version_id, kind = excluded.kind, note = excluded.note, marked_at = excluded.marked_at`
		if _, err := tx.Exec(ctx, sql, uuid.Must(uuid.NewV7()), in.Key, in.Question, p.ID, in.Kind, in.Note, who.PersonID, now); err != nil {
			return err
		}
		return recordQuestion(ctx, tx, who, "question.marked", in.Key, in.Question, now,
			audit.Detail{Name: "kind", Value: string(in.Kind)}, audit.Detail{Name: "version", Value: p.Version})
	})
	if err != nil {
		return fmt.Errorf("mark %s of %s: %w", in.Question, in.Key, err)
	}
	return nil
}

// markable is the version of the input, with the question in it.
func (l *Library) markable(ctx context.Context, in MarkInput) (Published, error) {
	p := Published{ID: in.VersionID}
	if in.VersionID == uuid.Nil {
		var err error
		if p, err = l.Newest(ctx, l.db, in.Key, in.Version); err != nil {
			return p, err
		}
	}
	set, err := l.Version(ctx, l.db, p.ID)
	if err != nil {
		return p, err
	}
	p.Version = set.Version
	if _, ok := set.Question(in.Question); !ok || set.Key != in.Key {
		return p, fault.New(fault.NotFound, "There is no such question in the set.")
	}
	return p, nil
}

// Unmark takes a person's own open mark away. Forbidden for what is no person; Conflict when
// they have none.
func (l *Library) Unmark(ctx context.Context, who identity.Actor, key, question string) error {
	if err := who.May(identity.MarkQuestions, identity.Target{}); err != nil {
		return err
	}
	now := l.now()
	err := pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const sql = `delete from question_marks where questionnaire_key = $1 and question_id = $2 and marked_by = $3 and settled_at is null`
		tag, err := tx.Exec(ctx, sql, key, question, who.PersonID)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "You have no open mark on this question. A curator may have settled it.")
		}
		return recordQuestion(ctx, tx, who, "question.unmarked", key, question, now)
	})
	if err != nil {
		return fmt.Errorf("unmark %s of %s: %w", question, key, err)
	}
	return nil
}

const markColumns = `select m.id, m.question_id as question, v.version, m.kind, m.note, p.name as by, m.marked_at as at, m.settled_at, m.settled_note,
	coalesce((select s.name from people s where s.id = m.settled_by), '') as settled_by
	from question_marks m join questionnaire_versions v on v.id = m.version_id join people p on p.id = m.marked_by `

// OwnMarks returns a person's open marks on the set, by question.
func (l *Library) OwnMarks(ctx context.Context, q postgres.Querier, who identity.Actor, key string) (map[string]Mark, error) {
	rows, err := q.Query(ctx, markColumns+`where m.questionnaire_key = $1 and m.marked_by = $2 and m.settled_at is null`, key, who.PersonID)
	if err != nil {
		return nil, fmt.Errorf("read own marks: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Mark])
	if err != nil {
		return nil, fmt.Errorf("read own marks: %w", err)
	}
	own := make(map[string]Mark, len(list))
	for _, m := range list {
		own[m.Question] = m
	}
	return own, nil
}

// MarkCounts counts the open marks of a set by question. Curators may: Forbidden for others.
func (l *Library) MarkCounts(ctx context.Context, who identity.Actor, key string) (map[string]MarkCount, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return nil, err
	}
	rows, err := l.db.Query(ctx, `
		select question_id, count(*) filter (where kind = 'unclear'), count(*) filter (where kind = 'not_useful')
		from question_marks where questionnaire_key = $1 and settled_at is null group by question_id`, key)
	if err != nil {
		return nil, fmt.Errorf("count marks: %w", err)
	}
	counts := map[string]MarkCount{}
	var question string
	var c MarkCount
	_, err = pgx.ForEachRow(rows, []any{&question, &c.Unclear, &c.NotUseful}, func() error {
		counts[question] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count marks: %w", err)
	}
	return counts, nil
}

// MarkFilter narrows the marks of a set. The zero filter is the first page of the open ones.
type MarkFilter struct {
	Question string    // only on the question with the id
	Settled  bool      // those that are settled instead of those that are open
	Before   uuid.UUID // the last mark of the page before
	Limit    int       // 1 to 200; 0: 50
}

// Marks lists the marks on a set newest first, and whether there are more. Curators may:
// Forbidden for others.
func (l *Library) Marks(ctx context.Context, who identity.Actor, key string, f MarkFilter) (list []Mark, more bool, err error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return nil, false, err
	}
	if f.Limit < 1 || f.Limit > 200 {
		f.Limit = 50
	}
	rows, err := l.db.Query(ctx, markColumns+`
		where m.questionnaire_key = @key and (m.settled_at is not null) = @settled and (@question = '' or m.question_id = @question)
			and (@first or m.id < @before)
		order by m.id desc limit @limit + 1`, pgx.StrictNamedArgs{
		"key": key, "settled": f.Settled, "question": f.Question, "first": f.Before == uuid.Nil, "before": f.Before, "limit": f.Limit,
	})
	if err != nil {
		return nil, false, fmt.Errorf("list marks: %w", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Mark]); err != nil {
		return nil, false, fmt.Errorf("list marks: %w", err)
	}
	if len(list) > f.Limit {
		return list[:f.Limit], true, nil
	}
	return list, false, nil
}

// SettleMarks ends open marks on a set with a note on what came of them. Curators may:
// Forbidden for others. Invalid on "mark" and "note"; Conflict, and nothing is written, when
// one of them is not open any more.
func (l *Library) SettleMarks(ctx context.Context, who identity.Actor, key string, ids []uuid.UUID, note string) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	var bad []fault.Field
	if len(ids) == 0 {
		bad = append(bad, fault.Field{Name: "mark", Message: "Tick what is settled."})
	}
	if bad = needText(bad, "note", note, "Say what came of it.", maxNote); len(bad) > 0 {
		return fault.InvalidFields(bad...)
	}
	now := l.now()
	err := pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const sql = `update question_marks set settled_by = $3, settled_at = $4, settled_note = $5
			where questionnaire_key = $1 and id = any($2) and settled_at is null`
		tag, err := tx.Exec(ctx, sql, key, ids, personOf(who), now, note)
		if err != nil {
			return err
		}
		if int(tag.RowsAffected()) != len(ids) {
			return fault.New(fault.Conflict, "One of these marks was changed, taken away or settled in the meantime. Look at the list again.")
		}
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.OrgStream, Verb: "question.marks_settled", TargetKind: "questionnaire", TargetID: key, At: now,
			Details: []audit.Detail{{Name: "key", Value: key}, {Name: "marks", Value: strconv.Itoa(len(ids))}},
		})
	})
	if err != nil {
		return fmt.Errorf("settle marks of %s: %w", key, err)
	}
	return nil
}
