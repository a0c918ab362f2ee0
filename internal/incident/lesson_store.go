package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

// visibleLesson is the SQL condition on a row l of lessons that says who reads it.
const visibleLesson = `(l.state = 'accepted' or @curates or l.proposed_by = @me
	or exists (select from incidents i where i.id = l.incident_id and ` + visible + `))`

const lessonColumns = `
	select l.id, l.incident_id, coalesce((select i.title from incidents i where i.id = l.incident_id and ` + visible + `), '') as incident,
		not exists (select from incidents i where i.id = l.incident_id and (i.state <> 'closed' or exists (
			select from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id and w.restricted))) as for_everyone,
		l.title, l.failure, l.kind, l.set_key, l.question_id, l.proposal, l.why, l.max_risk, l.prompts, l.tiers, l.tags, l.concerns_set,
		l.state, l.merged_into, l.reason, l.due_days, l.monthly, l.version, l.proposed_by, coalesce(p.name, '') as proposer, l.proposed_at,
		coalesce(j.name, '') as judge, l.judged_at, coalesce(k.set_key, '') as put_set, coalesce(k.question_id, '') as put_question,
		k.version_id, k.published_at
	from lessons l
	left join people p on p.id = l.proposed_by
	left join people j on j.id = l.judged_by
	left join lesson_questions k on k.lesson_id = l.id
	where ` + visibleLesson

// lessonRow is a lesson without its practices.
type lessonRow struct {
	ID, IncidentID                           uuid.UUID
	Incident                                 string
	ForEveryone                              bool
	Title, Failure, Kind, SetKey, QuestionID string
	Proposal, Why, MaxRisk                   string
	Prompts                                  []string
	Tiers                                    []int
	Tags                                     []string
	ConcernsSet, State                       string
	MergedInto                               *uuid.UUID
	Reason                                   string
	DueDays                                  int
	Monthly                                  bool
	Version                                  int
	ProposedBy                               *uuid.UUID
	Proposer                                 string
	ProposedAt                               time.Time
	Judge                                    string
	JudgedAt                                 *time.Time
	PutSet, PutQuestion                      string
	VersionID                                *uuid.UUID
	PublishedAt                              *time.Time
}

func (r lessonRow) lesson() Lesson {
	return Lesson{
		ID: r.ID, IncidentID: r.IncidentID, Incident: r.Incident, ForEveryone: r.ForEveryone, Title: r.Title, Failure: r.Failure, Kind: r.Kind, SetKey: r.SetKey, QuestionID: r.QuestionID,
		Proposal: r.Proposal, Why: r.Why, MaxRisk: r.MaxRisk, Prompts: r.Prompts, Tiers: r.Tiers, Tags: r.Tags, ConcernsSet: r.ConcernsSet,
		State: r.State, MergedInto: r.MergedInto, Reason: r.Reason, DueDays: r.DueDays, Monthly: r.Monthly, Version: r.Version, ProposedBy: r.ProposedBy,
		Proposer: r.Proposer, ProposedAt: r.ProposedAt, Judge: r.Judge, JudgedAt: r.JudgedAt, PutSet: r.PutSet, PutQuestion: r.PutQuestion,
		VersionID: r.VersionID, PublishedAt: r.PublishedAt,
	}
}

func lessonReader(who identity.Actor) pgx.StrictNamedArgs {
	named := reader(who)
	named["curates"] = who.System != "" || who.Is(identity.Curator)
	named["me"] = personOf(who)
	return named
}

func lessonByID(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID, lock string) (Lesson, error) {
	named := lessonReader(who)
	named["id"] = id
	rows, err := q.Query(ctx, lessonColumns+` and l.id = @id `+lock, named)
	if err != nil {
		return Lesson{}, fmt.Errorf("read lesson: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[lessonRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Lesson{}, fault.New(fault.NotFound, "There is no such lesson.")
	}
	if err != nil {
		return Lesson{}, fmt.Errorf("read lesson: %w", err)
	}
	one := []Lesson{row.lesson()}
	err = readPractices(ctx, q, one)
	return one[0], err
}

// readPractices reads the practices of lessons, in one go.
func readPractices(ctx context.Context, q postgres.Querier, list []Lesson) error {
	ids, at := make([]uuid.UUID, len(list)), map[uuid.UUID]*Lesson{}
	for n := range list {
		ids[n], at[list[n].ID] = list[n].ID, &list[n]
	}
	rows, err := q.Query(ctx, `select lesson_id, title, url, effect from lesson_practices where lesson_id = any($1) order by lesson_id, position`, ids)
	if err != nil {
		return fmt.Errorf("read practices: %w", err)
	}
	var id uuid.UUID
	var p Practice
	_, err = pgx.ForEachRow(rows, []any{&id, &p.Title, &p.URL, &p.Effect}, func() error {
		at[id].Practices = append(at[id].Practices, p)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read practices: %w", err)
	}
	return nil
}

func listLessons(ctx context.Context, q postgres.Querier, who identity.Actor, f LessonFilter, after *uuid.UUID, most int) ([]Lesson, error) {
	named := lessonReader(who)
	named["state"], named["incident"], named["after"], named["limit"] = f.State, f.IncidentID, after, most
	named["set"], named["question"], named["draft"], named["mergeable"] = text.Line(f.Set), text.Line(f.Question), text.Line(f.Draft), f.Mergeable
	named["into"] = f.MergedInto
	rows, err := q.Query(ctx, lessonColumns+`
		and (@state = '' or l.state = @state) and (@after::uuid is null or l.id < @after)
		and (@incident::uuid = '00000000-0000-0000-0000-000000000000' or l.incident_id = @incident)
		and (@question = '' or k.set_key = @set and k.question_id = @question)
		and (@draft = '' or l.state = 'accepted' and k.set_key = @draft and k.published_at is null)
		and (not @mergeable or l.state in ('proposed', 'accepted'))
		and (@into::uuid = '00000000-0000-0000-0000-000000000000' or l.merged_into = @into)
		order by l.id desc limit @limit`, named)
	if err != nil {
		return nil, fmt.Errorf("list lessons: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[lessonRow])
	if err != nil {
		return nil, fmt.Errorf("list lessons: %w", err)
	}
	list := make([]Lesson, len(found))
	for n, r := range found {
		list[n] = r.lesson()
	}
	return list, readPractices(ctx, q, list)
}

func lessonArgs(l Lesson) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"id": l.ID, "title": l.Title, "failure": l.Failure, "kind": l.Kind, "set": l.SetKey, "question": l.QuestionID, "proposal": l.Proposal,
		"why": l.Why, "risk": l.MaxRisk, "prompts": l.Prompts, "tiers": l.Tiers, "tags": l.Tags, "concerns": l.ConcernsSet, "state": l.State,
		"reason": l.Reason, "days": l.DueDays, "monthly": l.Monthly,
	}
}

func insertLesson(ctx context.Context, tx pgx.Tx, l Lesson, who identity.Actor, now time.Time) error {
	const sql = `
		insert into lessons (id, incident_id, title, failure, kind, set_key, question_id, proposal, why, max_risk, prompts, tiers, tags,
			concerns_set, state, reason, due_days, monthly, proposed_by, proposed_at)
		values (@id, @incident, @title, @failure, @kind, @set, @question, @proposal, @why, @risk, @prompts, @tiers, @tags,
			@concerns, @state, @reason, @days, @monthly, @me, @now)`
	named := lessonArgs(l)
	named["incident"], named["me"], named["now"] = l.IncidentID, personOf(who), now
	if _, err := tx.Exec(ctx, sql, named); err != nil {
		return err
	}
	return putPractices(ctx, tx, l)
}

func updateLesson(ctx context.Context, tx pgx.Tx, l Lesson, who identity.Actor) error {
	const sql = `
		update lessons set title = @title, failure = @failure, kind = @kind, set_key = @set, question_id = @question, proposal = @proposal,
			why = @why, max_risk = @risk, prompts = @prompts, tiers = @tiers, tags = @tags, concerns_set = @concerns, state = @state,
			reason = @reason, due_days = @days, monthly = @monthly, merged_into = @into, version = version + 1, judged_at = @judged,
			judged_by = case when @judged::timestamptz is not null then @me::uuid end
		where id = @id`
	named := lessonArgs(l)
	named["into"], named["judged"], named["me"] = l.MergedInto, l.JudgedAt, personOf(who)
	_, err := tx.Exec(ctx, sql, named)
	return err
}

func putPractices(ctx context.Context, tx pgx.Tx, l Lesson) error {
	if _, err := tx.Exec(ctx, `delete from lesson_practices where lesson_id = $1`, l.ID); err != nil {
		return err
	}
	for n, p := range l.Practices {
		const sql = `insert into lesson_practices (lesson_id, position, title, url, effect) values ($1, $2, $3, $4, $5)`
		if _, err := tx.Exec(ctx, sql, l.ID, n, p.Title, p.URL, p.Effect); err != nil {
			return err
		}
	}
	return nil
}
