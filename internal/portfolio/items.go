package portfolio

import (
	"context"
	"fmt"
	"strings"

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
	args := Reader(who)
	args["me"], args["today"] = who.PersonID, today(s.now())
	var where strings.Builder
	add := func(value, sql, name string) {
		if value = text.Line(value); value != "" {
			where.WriteString(` and ` + sql)
			args[name] = value
		}
	}
	add(f.WorkloadKey, `i.workload_id = (select k.id from workloads k where k.key = @workload)`, "workload")
	add(f.TeamKey, `i.workload_id in (select k.id from workloads k join teams t on t.id = k.team_id where t.key = @team)`, "team")
	add(f.Risk, `i.risk = @risk`, "risk")
	add(f.Search, `strpos(lower(i.title), lower(@search)) > 0`, "search")
	// What is hidden is little, so it is hashed and left out, where a join would look every
	// workload up; "offset 0" has Postgres ask once for each line whether it is finished.
	sql := `
		select count(*) filter (where x.open) as open, count(*) filter (where x.open and x.owner_id = @me) as mine,
			count(*) filter (where x.open and x.due_on < @today) as overdue, count(*) filter (where x.open and x.owner_id is null) as queue,
			count(*) filter (where x.state = 'done') as done, count(*) as all
		from (
			select i.owner_id, i.due_on, i.state, not ` + finished + ` as open
			from items i
			where i.workload_id not in (select w.id from workloads w where not ` + Readable + `)` + where.String() + `
			offset 0) x`
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
