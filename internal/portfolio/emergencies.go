package portfolio

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// YearCount is how many emergency gos there were in a year.
type YearCount struct {
	Year  int
	Count int
}

// Emergencies counts the emergency gos of a team's workloads by year, the newest first. Those
// of workloads that the actor may not read are left out.
func (s *Service) Emergencies(ctx context.Context, who identity.Actor, team uuid.UUID) ([]YearCount, error) {
	if err := signedIn(who); err != nil {
		return nil, err
	}
	const sql = `
		select extract(year from e.decided_at at time zone 'UTC')::int as year, count(*)::int as count
		from emergency_decisions e join reviews r on r.id = e.review_id join workloads w on w.id = r.workload_id
		where w.team_id = @team and ` + Readable + ` group by 1 order by 1 desc`
	args := Reader(who)
	args["team"] = team
	rows, err := s.db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("count emergencies: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[YearCount])
}
