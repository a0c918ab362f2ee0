package incident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

const incidentColumns = `
	select i.id, i.title, i.severity, i.link, i.summary, i.impact, i.started_at, i.detected_at, i.mitigated_at, i.resolved_at,
		i.scenario, i.change, i.causes, i.why_not_caught, i.question_set, i.question_id, i.answered, i.state, i.version,
		coalesce(c.name, '') as created_by, i.created_at, i.updated_at, coalesce(x.name, '') as closed_by, i.closed_at
	from incidents i
	left join people c on c.id = i.created_by
	left join people x on x.id = i.closed_by`

// incidentRow is an incident without what stands in other tables.
type incidentRow struct {
	ID                                              uuid.UUID
	Title                                           string
	Severity                                        int
	Link, Summary, Impact                           string
	StartedAt, DetectedAt, MitigatedAt, ResolvedAt  *time.Time
	Scenario, Change                                string
	Causes                                          []string
	WhyNotCaught, QuestionSet, QuestionID, Answered string
	State                                           string
	Version                                         int
	CreatedBy                                       string
	CreatedAt, UpdatedAt                            time.Time
	ClosedBy                                        string
	ClosedAt                                        *time.Time
}

func (r incidentRow) incident() Incident {
	return Incident{
		ID: r.ID, Title: r.Title, Severity: r.Severity, Link: r.Link, Summary: r.Summary, Impact: r.Impact, StartedAt: r.StartedAt,
		DetectedAt: r.DetectedAt, MitigatedAt: r.MitigatedAt, ResolvedAt: r.ResolvedAt, Scenario: r.Scenario, Change: r.Change, Causes: r.Causes,
		WhyNotCaught: r.WhyNotCaught, QuestionSet: r.QuestionSet, QuestionID: r.QuestionID, Answered: r.Answered, State: r.State,
		Version: r.Version, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ClosedBy: r.ClosedBy, ClosedAt: r.ClosedAt,
	}
}

// byID reads an incident whole, locked as said; not found when who may not read it.
func byID(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID, lock string) (Incident, error) {
	missing := fault.New(fault.NotFound, "There is no such incident.")
	rows, err := q.Query(ctx, incidentColumns+` where i.id = $1 `+lock, id)
	if err != nil {
		return Incident{}, fmt.Errorf("read incident: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[incidentRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Incident{}, missing
	}
	if err != nil {
		return Incident{}, fmt.Errorf("read incident: %w", err)
	}
	i := row.incident()
	if i.Places, err = readPlaces(ctx, q, `join incident_workloads x on x.workload_id = w.id where x.incident_id = @id`, pgx.StrictNamedArgs{"id": id}); err != nil {
		return i, err
	}
	if !i.mayRead(who) {
		return Incident{}, missing
	}
	if i.Related, err = readRelated(ctx, q, who, id); err != nil {
		return i, err
	}
	i.Actions, err = readActions(ctx, q, id)
	return i, err
}

func readPlaces(ctx context.Context, q postgres.Querier, where string, args pgx.StrictNamedArgs) ([]Place, error) {
	rows, err := q.Query(ctx, `
		select w.id, w.key, w.name, w.tier, w.team_id, t.name as team_name, w.restricted
		from workloads w join teams t on t.id = w.team_id `+where+` order by w.name, w.id`, args)
	if err != nil {
		return nil, fmt.Errorf("read workloads: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Place])
}

// placesOf reads the workloads with the keys that who may read.
func placesOf(ctx context.Context, q postgres.Querier, who identity.Actor, keys []string) ([]Place, error) {
	args := pgx.StrictNamedArgs{"keys": uniqueKeys(keys)}
	list, err := readPlaces(ctx, q, `where w.key = any(@keys)`, args)
	return slices.DeleteFunc(list, func(p Place) bool { return !who.CanRead(p.Target()) }), err
}

// uniqueKeys cleans a list of keys.
func uniqueKeys(keys []string) []string {
	out := []string{}
	for _, k := range keys {
		if k = text.Line(k); k != "" && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func readRelated(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) ([]Related, error) {
	args := reader(who)
	args["id"] = id
	rows, err := q.Query(ctx, `
		select i.id, i.title, r.why from incident_related r join incidents i on i.id = r.related_id
		where r.incident_id = @id and `+visible+` order by i.id`, args)
	if err != nil {
		return nil, fmt.Errorf("read related incidents: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Related])
}

func readActions(ctx context.Context, q postgres.Querier, id uuid.UUID) ([]Action, error) {
	rows, err := q.Query(ctx, `
		select a.id, a.workload_id, w.key as workload_key, w.name as workload_name, a.title, a.due_on, a.item_id
		from incident_actions a join workloads w on w.id = a.workload_id where a.incident_id = $1 order by a.added_at, a.id`, id)
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	type row struct {
		ID, WorkloadID            uuid.UUID
		WorkloadKey, WorkloadName string
		Title                     string
		DueOn                     *time.Time
		ItemID                    *uuid.UUID
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	list := make([]Action, len(found))
	for n, r := range found {
		list[n] = Action{ID: r.ID, WorkloadID: r.WorkloadID, WorkloadKey: r.WorkloadKey, WorkloadName: r.WorkloadName, Title: r.Title, DueOn: r.DueOn}
		if r.ItemID != nil {
			it, err := remediation.ByID(ctx, q, *r.ItemID)
			if err != nil {
				return nil, err
			}
			list[n].Item = &it
		}
	}
	return list, nil
}

// relate looks up the earlier incidents that the input names.
func relate(ctx context.Context, tx pgx.Tx, who identity.Actor, i *Incident, in []RelatedInput, bad *fields) error {
	i.Related = nil
	for n, one := range in {
		if one.ID == "" {
			continue
		}
		name := fmt.Sprintf("related_%d", n)
		id, err := uuid.Parse(one.ID)
		if err == nil && id != i.ID {
			_, err = byID(ctx, tx, who, id, "")
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if err != nil || id == i.ID || slices.ContainsFunc(i.Related, func(r Related) bool { return r.ID == id }) {
			bad.add(name, "Choose another incident from the list, once.")
			continue
		}
		i.Related = append(i.Related, Related{ID: id, Why: bad.fit(fmt.Sprintf("why_%d", n), text.Clean(one.Why), 2000)})
	}
	return nil
}

func args(i Incident, who identity.Actor, now time.Time) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"id": i.ID, "title": i.Title, "severity": i.Severity, "link": i.Link, "summary": i.Summary, "impact": i.Impact,
		"started": i.StartedAt, "detected": i.DetectedAt, "mitigated": i.MitigatedAt, "resolved": i.ResolvedAt, "scenario": i.Scenario,
		"change": i.Change, "causes": i.Causes, "why": i.WhyNotCaught, "set": i.QuestionSet, "question": i.QuestionID, "answered": i.Answered,
		"state": i.State, "me": personOf(who), "now": now,
	}
}

func insert(ctx context.Context, tx pgx.Tx, i Incident, who identity.Actor, now time.Time) error {
	const sql = `
		insert into incidents (id, title, severity, link, summary, impact, started_at, detected_at, mitigated_at, resolved_at, scenario, change,
			causes, why_not_caught, question_set, question_id, answered, state, created_by, created_at, updated_by, updated_at)
		values (@id, @title, @severity, @link, @summary, @impact, @started, @detected, @mitigated, @resolved, @scenario, @change,
			@causes, @why, @set, @question, @answered, @state, @me, @now, @me, @now)`
	if _, err := tx.Exec(ctx, sql, args(i, who, now)); err != nil {
		return err
	}
	return putParts(ctx, tx, i, who)
}

func update(ctx context.Context, tx pgx.Tx, i Incident, who identity.Actor, now time.Time) error {
	const sql = `
		update incidents set title = @title, severity = @severity, link = @link, summary = @summary, impact = @impact, started_at = @started,
			detected_at = @detected, mitigated_at = @mitigated, resolved_at = @resolved, scenario = @scenario, change = @change, causes = @causes,
			why_not_caught = @why, question_set = @set, question_id = @question, answered = @answered, state = @state, version = version + 1,
			updated_by = @me, updated_at = @now, closed_at = @closed, closed_by = case when @closed::timestamptz is not null then @me::uuid end
		where id = @id`
	named := args(i, who, now)
	named["closed"] = i.ClosedAt
	if _, err := tx.Exec(ctx, sql, named); err != nil {
		return err
	}
	return putParts(ctx, tx, i, who)
}

// putParts writes the workloads and the related incidents anew. Related incidents that who
// may not read stay.
func putParts(ctx context.Context, tx pgx.Tx, i Incident, who identity.Actor) error {
	ids, related, why := []uuid.UUID{}, []uuid.UUID{}, []string{}
	for _, p := range i.Places {
		ids = append(ids, p.ID)
	}
	for _, r := range i.Related {
		related, why = append(related, r.ID), append(why, r.Why)
	}
	if _, err := tx.Exec(ctx, `delete from incident_workloads where incident_id = $1 and workload_id <> all($2)`, i.ID, ids); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into incident_workloads (incident_id, workload_id) select $1, unnest($2::uuid[]) on conflict do nothing`, i.ID, ids); err != nil {
		return err
	}
	named := reader(who)
	named["incident"] = i.ID
	if _, err := tx.Exec(ctx, `delete from incident_related r using incidents i where r.incident_id = @incident and i.id = r.related_id and `+visible, named); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into incident_related (incident_id, related_id, why) select $1, * from unnest($2::uuid[], $3::text[])`, i.ID, related, why)
	return err
}

func putAction(ctx context.Context, tx pgx.Tx, incident uuid.UUID, a Action, item *uuid.UUID, now time.Time) error {
	const sql = `
		insert into incident_actions (id, incident_id, workload_id, title, due_on, item_id, added_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (id) do update set workload_id = excluded.workload_id, title = excluded.title, due_on = excluded.due_on, item_id = excluded.item_id`
	_, err := tx.Exec(ctx, sql, a.ID, incident, a.WorkloadID, a.Title, a.DueOn, item, now)
	return err
}

func list(ctx context.Context, q postgres.Querier, who identity.Actor, f Filter, after *uuid.UUID) ([]Line, error) {
	named := reader(who)
	named["state"], named["workload"], named["after"], named["limit"] = f.State, text.Line(f.WorkloadKey), after, f.Limit+1
	rows, err := q.Query(ctx, `
		select i.id, i.title, i.severity, i.state, i.started_at,
			(select string_agg(w.name, ', ' order by w.name) from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id) as workloads,
			(select count(*) from incident_actions a where a.incident_id = i.id) as actions,
			(select count(*) from incident_actions a join items t on t.id = a.item_id where a.incident_id = i.id and t.state in ('verified', 'closed')) as mended,
			(select count(*) from lessons l where l.incident_id = i.id) as lessons
		from incidents i
		where `+visible+` and (@state = '' or i.state = @state) and (@after::uuid is null or i.id < @after)
			and (@workload = '' or exists (select from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id and w.key = @workload))
		order by i.id desc limit @limit`, named)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Line])
}

func personOf(who identity.Actor) *uuid.UUID {
	if who.PersonID == uuid.Nil {
		return nil
	}
	return &who.PersonID
}
