package incident

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

const followColumns = `
	select f.id, f.lesson_id, l.title as lesson, f.workload_id, w.key as workload_key, w.name as workload_name, w.tier, w.team_id,
		t.name as team_name, w.restricted, f.version_id, f.set_key, f.question_id, f.asked_on, f.due_on, f.state, f.chosen, f.unknown,
		f.note, f.risk, f.item_id, coalesce(i.state, '') as item_state, f.version, coalesce(p.name, '') as answered_by, f.answered_at
	from follow_ups f
	join lessons l on l.id = f.lesson_id
	join workloads w on w.id = f.workload_id
	join teams t on t.id = w.team_id
	left join items i on i.id = f.item_id
	left join people p on p.id = f.answered_by
	where ` + readable + ` and `

// followRow is a follow-up without its question.
type followRow struct {
	ID, LessonID              uuid.UUID
	Lesson                    string
	WorkloadID                uuid.UUID
	WorkloadKey, WorkloadName string
	Tier                      int
	TeamID                    uuid.UUID
	TeamName                  string
	Restricted                bool
	VersionID                 uuid.UUID
	SetKey, QuestionID        string
	AskedOn, DueOn            time.Time
	State                     string
	Chosen                    []string
	Unknown                   bool
	Note, Risk                string
	ItemID                    *uuid.UUID
	ItemState                 string
	Version                   int
	AnsweredBy                string
	AnsweredAt                *time.Time
}

func (r followRow) followUp() FollowUp {
	return FollowUp{
		ID: r.ID, LessonID: r.LessonID, Lesson: r.Lesson, WorkloadID: r.WorkloadID, WorkloadKey: r.WorkloadKey, WorkloadName: r.WorkloadName, Tier: r.Tier,
		TeamID: r.TeamID, TeamName: r.TeamName, Restricted: r.Restricted, VersionID: r.VersionID, SetKey: r.SetKey, QuestionID: r.QuestionID,
		AskedOn: r.AskedOn, DueOn: r.DueOn, State: r.State, Chosen: r.Chosen, Unknown: r.Unknown, Note: r.Note, Risk: questionnaire.Risk(r.Risk),
		ItemID: r.ItemID, ItemState: r.ItemState, Version: r.Version, AnsweredBy: r.AnsweredBy, AnsweredAt: r.AnsweredAt,
	}
}

// workloadReader gives the parameters of readable, and those of more.
func workloadReader(who identity.Actor, more pgx.StrictNamedArgs) pgx.StrictNamedArgs {
	named := reader(who)
	delete(named, "sees_drafts")
	maps.Copy(named, more)
	return named
}

func followByID(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID, lock string) (FollowUp, error) {
	rows, err := q.Query(ctx, followColumns+`f.id = @id `+lock, workloadReader(who, pgx.StrictNamedArgs{"id": id}))
	if err != nil {
		return FollowUp{}, fmt.Errorf("read follow-up: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[followRow])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !who.CanRead(row.followUp().Target()) {
		return FollowUp{}, errNoFollowUp()
	}
	if err != nil {
		return FollowUp{}, fmt.Errorf("read follow-up: %w", err)
	}
	return row.followUp(), nil
}

func listFollowUps(ctx context.Context, q postgres.Querier, who identity.Actor, where string, named pgx.StrictNamedArgs) ([]FollowUp, error) {
	rows, err := q.Query(ctx, followColumns+where+` order by f.state <> 'open', f.due_on, w.name, f.id limit 500`, workloadReader(who, named))
	if err != nil {
		return nil, fmt.Errorf("list follow-ups: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[followRow])
	if err != nil {
		return nil, fmt.Errorf("list follow-ups: %w", err)
	}
	list := make([]FollowUp, len(found))
	for n, r := range found {
		list[n] = r.followUp()
	}
	return list, nil
}

// ofLesson is the SQL condition on a follow-up f that a lesson asks it: for itself, or together
// with another lesson on the same question of one version.
const ofLesson = `f.id in (
	select o.id from follow_ups o where o.lesson_id = @lesson
	union all
	select o.id from lesson_questions k join follow_ups o on o.version_id = k.version_id and o.question_id = k.question_id where k.lesson_id = @lesson)`

func countFollowUps(ctx context.Context, q postgres.Querier, who identity.Actor, lesson uuid.UUID) (p Progress, err error) {
	const sql = `
		select count(*), count(*) filter (where f.state <> 'open'), count(f.item_id), count(*) filter (where i.state = 'verified'), min(f.asked_on)
		from follow_ups f
		join workloads w on w.id = f.workload_id
		left join items i on i.id = f.item_id
		where ` + readable + ` and ` + ofLesson
	err = q.QueryRow(ctx, sql, workloadReader(who, pgx.StrictNamedArgs{"lesson": lesson})).Scan(&p.Asked, &p.Answered, &p.Highs, &p.Mended, &p.First)
	if err != nil {
		return p, fmt.Errorf("count follow-ups: %w", err)
	}
	return p, nil
}

func putAnswer(ctx context.Context, tx pgx.Tx, f FollowUp, who identity.Actor, now time.Time) error {
	const sql = `
		update follow_ups set state = @state, chosen = @chosen, unknown = @unknown, note = @note, risk = @risk, item_id = @item,
			version = version + 1, answered_by = @me, answered_at = @now
		where id = @id`
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": f.ID, "state": f.State, "chosen": f.Chosen, "unknown": f.Unknown, "note": f.Note, "risk": string(f.Risk), "item": f.ItemID,
		"me": personOf(who), "now": now,
	})
	return err
}

// foundLater reports whether a newer follow-up on the same question of the workload found a high
// that still stands.
func foundLater(ctx context.Context, tx pgx.Tx, f FollowUp) (found bool, err error) {
	err = tx.QueryRow(ctx, `
		select exists (select from follow_ups n where n.workload_id = $1 and n.set_key = $2 and n.question_id = $3 and n.id > $4 and n.risk in ('high', 'unmatched'))`,
		f.WorkloadID, f.SetKey, f.QuestionID, f.ID).Scan(&found)
	return found, err
}

// leadOf is the first lead of a team by name, uuid.Nil when it has none.
func leadOf(ctx context.Context, q postgres.Querier, team uuid.UUID) (id uuid.UUID, err error) {
	err = q.QueryRow(ctx, `
		select p.id from memberships m join people p on p.id = m.person_id
		where m.team_id = $1 and m.role = 'lead' and p.deactivated_at is null order by p.name, p.id limit 1`, team).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, err
}

// unpublished reads the lessons that wait for the next version of a set, locked.
func unpublished(ctx context.Context, tx pgx.Tx, set string) ([]Lesson, error) {
	named := lessonReader(identity.SystemActor("incident"))
	named["set"] = set
	rows, err := tx.Query(ctx, lessonColumns+` and k.set_key = @set and k.version_id is null order by l.id for update of l`, named)
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[lessonRow])
	if err != nil {
		return nil, fmt.Errorf("read lessons: %w", err)
	}
	list := make([]Lesson, len(found))
	for n, r := range found {
		list[n] = r.lesson()
	}
	return list, nil
}

// concerned lists the workloads in use that a lesson concerns.
func (s *Service) concerned(ctx context.Context, q postgres.Querier, l Lesson) ([]Place, error) {
	return readPlaces(ctx, q, `where exists (select from lessons l where l.id = @lesson and `+concerns+`)`, pgx.StrictNamedArgs{"lesson": l.ID})
}

// ask asks the question of a lesson of workloads. Where another lesson asks it in the same version
// already, it is asked once, by the earlier days.
func ask(ctx context.Context, tx pgx.Tx, l Lesson, places []Place, version uuid.UUID, on time.Time) error {
	const sql = `
		insert into follow_ups as f (id, lesson_id, workload_id, version_id, set_key, question_id, asked_on, due_on, state)
		select n.id, $3, n.workload_id, $4, $5, $6, $7, $8, 'open' from unnest($1::uuid[], $2::uuid[]) as n (id, workload_id)
		on conflict on constraint follow_ups_once do update set asked_on = least(f.asked_on, excluded.asked_on), due_on = least(f.due_on, excluded.due_on)
			where f.state = 'open'`
	ids, workloads := make([]uuid.UUID, len(places)), make([]uuid.UUID, len(places))
	for n, p := range places {
		ids[n], workloads[n] = uuid.Must(uuid.NewV7()), p.ID
	}
	_, err := tx.Exec(ctx, sql, ids, workloads, l.ID, version, l.PutSet, l.PutQuestion, on, on.AddDate(0, 0, l.DueDays))
	if err != nil {
		return fmt.Errorf("ask the question of %s: %w", l.ID, err)
	}
	return nil
}

func markPublished(ctx context.Context, tx pgx.Tx, lesson, version uuid.UUID, now time.Time) error {
	_, err := tx.Exec(ctx, `update lesson_questions set version_id = $2, published_at = $3 where lesson_id = $1`, lesson, version, now)
	return err
}
