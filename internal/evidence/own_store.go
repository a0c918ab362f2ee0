package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/postgres"
)

func errNoFact() error { return fault.New(fault.NotFound, "There is no such fact.") }

const ownColumns = `
	f.id, f.source, f.key, f.subject, f.state, f.title, f.link, f.observed_at, f.valid_until, f.reporter_id, p.name as reporter, f.reported_at`

// ownFacts reads the facts reported on a workload after a cursor, by source, key, subject and
// id; every one without a limit.
func ownFacts(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, f OwnFilter, after [4]string, limit int) ([]OwnFact, error) {
	const sql = `
		select ` + ownColumns + `, null::jsonb as document
		from own_facts f join people p on p.id = f.reporter_id
		where f.workload_id = @workload and (@source = '' or f.source = @source) and (@key = '' or f.key = @key)
			and (f.source, f.key, f.subject, f.id::text) > (@k0, @k1, @k2, @k3)
		order by f.source, f.key, f.subject, f.id::text
		limit nullif(@limit::int, 0)`
	rows, err := q.Query(ctx, sql, pgx.StrictNamedArgs{
		"workload": workloadID, "source": clean(f.Source), "key": clean(f.Key), "k0": after[0], "k1": after[1], "k2": after[2], "k3": after[3], "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("read own facts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[OwnFact])
}

// ownFact reads one fact with its document and its workload; not found when there is none.
func ownFact(ctx context.Context, q postgres.Querier, id uuid.UUID) (f OwnFact, workloadID uuid.UUID, err error) {
	const sql = `
		select f.workload_id, ` + ownColumns + `, f.document
		from own_facts f join people p on p.id = f.reporter_id where f.id = $1`
	err = q.QueryRow(ctx, sql, id).Scan(&workloadID, &f.ID, &f.Source, &f.Key, &f.Subject, &f.State, &f.Title, &f.Link, &f.ObservedAt, &f.ValidUntil,
		&f.ReporterID, &f.Reporter, &f.ReportedAt, &f.Document)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, workloadID, errNoFact()
	}
	if err != nil {
		return f, workloadID, fmt.Errorf("read own fact: %w", err)
	}
	return f, workloadID, nil
}

// putOwn writes a fact over the reporter's own earlier one of the same source, key and
// subject, unless that was observed later or says the same. It reports whether it wrote.
func putOwn(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, reporter, token *uuid.UUID, in OwnInput, now time.Time) (bool, error) {
	const sql = `
		insert into own_facts as f (id, workload_id, source, key, subject, state, title, link, document, observed_at, valid_until, reporter_id, token_id, reported_at)
		values (@id, @workload, @source, @key, @subject, @state, @title, @link, @document, @observed, @until, @reporter, @token, @now)
		on conflict (workload_id, source, key, subject, reporter_id) do update set state = excluded.state, title = excluded.title, link = excluded.link,
			document = excluded.document, observed_at = excluded.observed_at, valid_until = excluded.valid_until, token_id = excluded.token_id, reported_at = excluded.reported_at
		where excluded.observed_at >= f.observed_at
			and (f.state, f.title, f.link, f.document, f.observed_at, f.valid_until)
				is distinct from (excluded.state, excluded.title, excluded.link, excluded.document, excluded.observed_at, excluded.valid_until)`
	tag, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"id": uuid.Must(uuid.NewV7()), "workload": workloadID, "source": in.Source, "key": in.Key, "subject": in.Subject, "state": in.State, "title": in.Title,
		"link": in.Link, "document": documentOf(in.Document), "observed": in.ObservedAt, "until": in.ValidUntil, "reporter": reporter, "token": token, "now": now,
	})
	return err == nil && tag.RowsAffected() > 0, err
}

// documentOf makes JSON that jsonb accepts; nothing of it is lost but what no text may hold.
func documentOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage(`null`)
	}
	if plain(raw) {
		return raw
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return json.RawMessage(`null`)
	}
	out, err := json.Marshal(cleanValue(v))
	if err != nil {
		return json.RawMessage(`null`)
	}
	return out
}

func putOwnVerdict(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, v Verdict) error {
	const sql = `
		insert into own_verdicts (workload_id, check_digest, verdict, reason, detail, passed, failed, not_evaluated, failing, as_of, valid_until, computed_at)
		values (@workload, @check, @verdict, @reason, @detail, @passed, @failed, @rest, @failing, @as_of, @until, @now)
		on conflict (workload_id, check_digest) do update set verdict = excluded.verdict, reason = excluded.reason, detail = excluded.detail,
			passed = excluded.passed, failed = excluded.failed, not_evaluated = excluded.not_evaluated, failing = excluded.failing,
			as_of = excluded.as_of, valid_until = excluded.valid_until, computed_at = excluded.computed_at`
	failing, err := json.Marshal(v.Failing)
	if err != nil {
		return err
	}
	var asOf *time.Time
	if !v.AsOf.IsZero() {
		asOf = &v.AsOf
	}
	_, err = tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"workload": workloadID, "check": v.Check, "verdict": v.Verdict, "reason": v.Reason, "detail": v.Detail, "passed": v.Passed, "failed": v.Failed,
		"rest": v.NotEvaluated, "failing": failing, "as_of": asOf, "until": v.Until, "now": v.ComputedAt,
	})
	return err
}
