package portfolio

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// OutsideTask is a decision made elsewhere that waits for the actor to confirm or refuse it.
type OutsideTask struct {
	WorkloadKey  string
	WorkloadName string
	TeamName     string
	Outcome      string
	DecidedBy    string
	ValidUntil   time.Time
	RecordedBy   string
	RecordedAt   time.Time
}

// outside reads the decisions made elsewhere that the actor may confirm, the oldest first: of
// others, in tier 1 of other teams, that nobody gave a word on and that would still count.
func (s *Service) outside(ctx context.Context, who identity.Actor, h *Home) error {
	judged, all := judges(who)
	if len(judged) == 0 {
		return nil
	}
	sql := `
		select w.key as workload_key, l.name as workload_name, t.name as team_name, o.outcome, o.decided_by, o.valid_until, p.name as recorded_by,
			o.recorded_at, count(*) over () as total
		from outside_decisions o
		join ` + standing + ` on w.id = o.workload_id
		join workloads l on l.id = w.id
		join teams t on t.id = w.team_id
		join people p on p.id = o.recorded_by
		where (@judges_all or w.id = any(@judged)) and o.recorded_by <> @me and not (w.tier = 1 and w.team_id = any(@teams))
			and w.stage <> 'retired' and w.outcome in ('', 'decided_elsewhere') and o.valid_until >= @today
			and not exists (select from outside_verdicts v where v.outside_id = o.id)
		order by o.recorded_at, o.id` + atMost(HomeRows)
	rows, err := s.db.Query(ctx, sql, pgx.StrictNamedArgs{
		"me": who.PersonID, "judges_all": all, "judged": judged, "teams": Reader(who)["teams"], "today": today(s.now()),
	})
	if err != nil {
		return fmt.Errorf("read decisions made elsewhere: %w", err)
	}
	type row struct {
		OutsideTask
		Total int
	}
	_, err = collect(rows, func(r row) { h.Outside, h.OutsideTotal = append(h.Outside, r.OutsideTask), r.Total })
	if err != nil {
		return fmt.Errorf("read decisions made elsewhere: %w", err)
	}
	return nil
}
