package evidence

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// asked is what the checks say of how facts count, by source/control, for SQL.
type asked struct {
	wide   []string    // looked at on the account as a whole, whatever carries tags
	unseen []string    // may not be seen
	since  []time.Time // beside unseen: since when
}

func askedBy(checks []questionnaire.Check, now time.Time) asked {
	var a asked
	for _, c := range checks {
		key := c.Source + "/" + c.Key
		if c.Level == "account" {
			a.wide = append(a.wide, key)
		}
		if c.Expect == "not_seen_within" {
			a.unseen, a.since = append(a.unseen, key), append(a.since, now.Add(-c.Within))
		}
	}
	a.wide = distinct(a.wide)
	return a
}

// asked reads the checks in use for SQL.
func (s *Service) asked(ctx context.Context) (asked, error) {
	checks, err := s.checks(ctx)
	if err != nil {
		return asked{}, fmt.Errorf("read the checks in use: %w", err)
	}
	return askedBy(checks, s.now()), nil
}

// inScope says in SQL which facts f belong to a scope, with scopeArgs: the rule of belongs.
// Answers of the Well-Architected Tool belong to whom names their workload there.
const inScope = `f.account = any(@accounts) and f.region = any(@regions)
			and case when f.source = @tool then f.control = any(@named)
				else f.resource like @whole || '%' or @arn <> '' and f.application_arn = @arn or f.tags && @tags
				or @arn = '' and cardinality(@tags::text[]) = 0 or f.source || '/' || f.control = any(@wide) end`

// failing says in SQL which facts f fail, with failingArgs: failures, and sightings of what
// a check says may not be seen.
const failing = `(f.state = 'fail' and not ` + aside + ` or f.state = 'pass' and exists (
			select from unnest(@unseen::text[], @since::timestamptz[]) as u(key, since)
			where u.key = f.source || '/' || f.control and f.observed_at >= u.since))`

func (a asked) scopeArgs(s workload.Scope) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"accounts": notNil(s.Accounts), "regions": notNil(s.Regions), "tags": notNil(s.Tags), "arn": s.ApplicationARN, "whole": accountPrefix,
		"tool": ToolSource, "named": notNil(s.WAWorkloads), "wide": notNil(a.wide),
	}
}

// failingArgs are scopeArgs with those of failing.
func (a asked) failingArgs(s workload.Scope) pgx.StrictNamedArgs {
	since := a.since
	if since == nil {
		since = []time.Time{}
	}
	args := a.scopeArgs(s)
	maps.Copy(args, pgx.StrictNamedArgs{"unseen": notNil(a.unseen), "since": since})
	return args
}
