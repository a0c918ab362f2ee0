package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// extent is what one or several scopes take in.
type extent struct {
	Accounts     []string
	Regions      []string
	Tags         []string // as key=value
	Applications []string
	Everything   bool // one of them names neither tags nor an application
}

// extentOf is what a scope takes in, without accounts of others.
func extentOf(s workload.Scope, foreign []string) extent {
	e := extent{Accounts: without(s.Accounts, foreign), Regions: s.Regions, Tags: s.Tags, Everything: len(s.Tags) == 0 && s.ApplicationARN == ""}
	if s.ApplicationARN != "" {
		e.Applications = []string{s.ApplicationARN}
	}
	return e
}

// extent is what a run was started for, without accounts of others.
func (g Ground) extent(foreign []string) extent {
	s := workload.Scope{Tags: g.Tags, ApplicationARN: g.ApplicationARN}
	for _, c := range g.Cells {
		s.Accounts, s.Regions = append(s.Accounts, c.Account), append(s.Regions, c.Region)
	}
	return extentOf(s, foreign)
}

// holds reports whether all that o takes in is in e. Where a check looks at accounts as a
// whole, tags and applications take nothing away.
func (e extent) holds(o extent, level string) bool {
	if !within(o.Accounts, e.Accounts) || !within(o.Regions, e.Regions) {
		return false
	}
	return level == "account" || e.Everything ||
		!o.Everything && within(o.Tags, e.Tags) && within(o.Applications, e.Applications)
}

// within reports whether every member of list is one of all.
func within(list, all []string) bool {
	return !slices.ContainsFunc(list, func(m string) bool { return !slices.Contains(all, m) })
}

// bounds are what a run looked at, and what an item was found in.
type bounds struct {
	here  extent
	found *extent // nil: nobody knows, so the item is left to the run
}

// hold reports whether what the check finds mended is the whole of what failed. Where one
// pass is enough, one in a part of it is, too.
func (b bounds) hold(c questionnaire.Check, v Verdict) bool {
	if b.found == nil || b.here.holds(*b.found, c.Level) {
		return true
	}
	one := c.Expect == "any_pass" || c.Expect == "seen_within"
	return one && v.Verdict == Supports && b.found.holds(b.here, c.Level)
}

// noteFound remembers that the cause of an item failed under a scope, beside those under
// which it failed before.
func noteFound(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, key string, e extent) error {
	const sql = `
		insert into item_scopes (workload_id, cause_key, accounts, regions, tags, application_arns, everything)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (workload_id, cause_key) do update set
			accounts = array(select distinct m from unnest(item_scopes.accounts || excluded.accounts) as m order by m),
			regions = array(select distinct m from unnest(item_scopes.regions || excluded.regions) as m order by m),
			tags = array(select distinct m from unnest(item_scopes.tags || excluded.tags) as m order by m),
			application_arns = array(select distinct m from unnest(item_scopes.application_arns || excluded.application_arns) as m order by m),
			everything = item_scopes.everything or excluded.everything`
	if _, err := tx.Exec(ctx, sql, workloadID, key, distinct(e.Accounts), distinct(e.Regions), distinct(e.Tags), distinct(e.Applications), e.Everything); err != nil {
		return fmt.Errorf("remember the scope of an item: %w", err)
	}
	return nil
}

// forgetFound is called when an item is finished: what fails later is found anew.
func forgetFound(ctx context.Context, tx pgx.Tx, it remediation.Item) error {
	if _, err := tx.Exec(ctx, `delete from item_scopes where workload_id = $1 and cause_key = $2`, it.WorkloadID, it.CauseKey); err != nil {
		return fmt.Errorf("forget the scope of an item: %w", err)
	}
	return nil
}

// foundIn reads under which scopes the cause of an item failed; nil when nobody knows.
func foundIn(ctx context.Context, q postgres.Querier, it remediation.Item) (*extent, error) {
	const sql = `
		select accounts, regions, tags, application_arns, everything
		from item_scopes where workload_id = $1 and cause_key = $2`
	var e extent
	err := q.QueryRow(ctx, sql, it.WorkloadID, it.CauseKey).Scan(&e.Accounts, &e.Regions, &e.Tags, &e.Applications, &e.Everything)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the scope of an item: %w", err)
	}
	return &e, nil
}

// noteOpened remembers the scope of a run for the items that were opened at its end, and for
// those of which nobody knows another.
func noteOpened(ctx context.Context, tx pgx.Tx, workloadID uuid.UUID, here extent, now time.Time) error {
	items, err := remediation.OfEvidence(ctx, tx, workloadID)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.State == remediation.Verified || it.State == remediation.Closed {
			continue
		}
		found, err := foundIn(ctx, tx, it)
		if err != nil {
			return err
		}
		if found != nil && !it.OpenedAt.Equal(now) {
			continue
		}
		if err := noteFound(ctx, tx, workloadID, it.CauseKey, here); err != nil {
			return err
		}
	}
	return nil
}
