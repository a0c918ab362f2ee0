package portfolio

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/text"
)

// ItemViews counts what the saved views of the list of items hold, in workloads that the
// actor may read.
type ItemViews struct {
	Open    int // everything that is not finished
	Mine    int // of those, what the actor owns
	Overdue int // of those, what was due before today
	Queue   int // of those that are open, what nobody owns
	Done    int // done and not marked verified
	All     int
}

// ItemViews counts the saved views of items in one statement, narrowed by the filter's
// workload, team, risk and search; what else it says is not looked at.
func (s *Service) ItemViews(ctx context.Context, who identity.Actor, f remediation.Filter) (ItemViews, error) {
	if err := signedIn(who); err != nil {
		return ItemViews{}, err
	}
	const sql = `
		select count(*) filter (where not ` + finished + `) as open,
			count(*) filter (where not ` + finished + ` and i.owner_id = @me) as mine,
			count(*) filter (where not ` + finished + ` and i.due_on < @today) as overdue,
			count(*) filter (where not ` + finished + ` and i.owner_id is null) as queue,
			count(*) filter (where i.state = 'done') as done, count(*) as all
		from items i
		join workloads w on w.id = i.workload_id
		where (@workload = '' or w.key = @workload) and (@team = '' or w.team_id = (select x.id from teams x where x.key = @team))
			and (@risk = '' or i.risk = @risk) and (@search = '' or strpos(lower(i.title), lower(@search)) > 0) and ` + Readable
	args := Reader(who)
	args["me"], args["today"] = who.PersonID, today(s.now())
	args["workload"], args["team"], args["risk"], args["search"] = text.Line(f.WorkloadKey), text.Line(f.TeamKey), text.Line(f.Risk), text.Line(f.Search)
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return ItemViews{}, fmt.Errorf("count items: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ItemViews])
	if err != nil {
		return ItemViews{}, fmt.Errorf("count items: %w", err)
	}
	return v, nil
}
