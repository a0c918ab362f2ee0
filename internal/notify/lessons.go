package notify

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
)

// lessonProposed tells the curators, but who acted, that a lesson waits to be judged. Its title
// stands there only when everyone may read its incident: who is no curator any more reads no other.
func (s *Service) lessonProposed(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	const sql = `
		select l.title, not exists (select from incidents i where i.id = l.incident_id and (i.state <> 'closed' or exists (
			select from incident_workloads x join workloads w on w.id = x.workload_id where x.incident_id = i.id and w.restricted)))
		from lessons l where l.id = $1`
	var title string
	var forEveryone bool
	if err := tx.QueryRow(ctx, sql, e.TargetID).Scan(&title, &forEveryone); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select person_id from org_roles where role = 'curator' and person_id <> $1`, e.ActorID)
	if err != nil {
		return err
	}
	curators, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	words := "A lesson that was drawn from an incident waits to be judged."
	if forEveryone {
		words = "A lesson waits to be judged: " + title
	}
	return tell(ctx, tx, curators, told{Decide, eventKey(e), words, "/lessons/" + e.TargetID, uuid.Nil, e.At})
}

var judgements = map[string]string{"lesson.accepted": "accepted", "lesson.merged": "merged into another", "lesson.declined": "declined"}

// lessonJudged tells who proposed a lesson what became of it. Those whose lessons were merged into
// one that is declined hear it too.
func (s *Service) lessonJudged(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	const sql = `
		select l.id, l.title, l.proposed_by, l.id <> $1 as merged from lessons l
		where l.proposed_by is not null and (l.id = $1 or $2 and l.merged_into = $1) order by l.id`
	type proposal struct {
		ID         uuid.UUID
		Title      string
		ProposedBy uuid.UUID
		Merged     bool
	}
	rows, err := tx.Query(ctx, sql, e.TargetID, e.Verb == "lesson.declined")
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[proposal])
	if err != nil {
		return err
	}
	for _, p := range slices.DeleteFunc(list, func(p proposal) bool { return p.ProposedBy == e.ActorID }) {
		words := "Your lesson is " + judgements[e.Verb] + ": " + p.Title
		if p.Merged {
			words = "The lesson that yours was merged into is declined: " + p.Title
		}
		n := told{Judged, eventKey(e) + "/" + p.ID.String(), words, "/lessons/" + p.ID.String(), uuid.Nil, e.At}
		if err := tell(ctx, tx, []uuid.UUID{p.ProposedBy}, n); err != nil {
			return err
		}
	}
	return nil
}
