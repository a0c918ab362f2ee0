package evidence

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
	"orrery/internal/workload"
)

// Severity is what AWS says of how much the failure of a control weighs: CRITICAL, HIGH,
// MEDIUM or LOW; empty when it says nothing.
type Severity string

// Risk is the risk of an item for a failure of that severity.
func (s Severity) Risk() string {
	if s == "CRITICAL" || s == "HIGH" {
		return "high"
	}
	return "medium"
}

// SeverityOf reads the severity of a control that fails in the scope's accounts. All findings
// of a control have the same. It does not authorise: reviews call it at the end of a run.
func SeverityOf(ctx context.Context, q postgres.Querier, s workload.Scope, source, control string) (severity Severity, err error) {
	const sql = `
		select coalesce(f.detail->>'control_severity', '') from facts f
		where f.source = $1 and f.control = $2 and f.account = any($3) and f.region = any($4) and f.state = 'fail' and f.gone_at is null
		limit 1`
	err = q.QueryRow(ctx, sql, source, control, notNil(s.Accounts), notNil(s.Regions)).Scan(&severity)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read severity: %w", err)
	}
	return severity, nil
}
