package remediation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// PolicyKey is a risk in a tier.
type PolicyKey struct {
	Risk string
	Tier int
}

// Policy says how many days an item has until it is due. What is not in it has the default:
// two weeks for a high in tier 1, a month in tier 2, two months in tier 3, and twice that for
// anything lower.
type Policy map[PolicyKey]int

// Risks are the risks of an item, the highest first.
func Risks() []string { return []string{"high", "medium", "none"} }

// Days are the days for a risk in a tier.
func (p Policy) Days(risk string, tier int) int {
	if n := p[PolicyKey{risk, tier}]; n > 0 {
		return n
	}
	days := map[int]int{1: 14, 2: 30, 3: 60}[tier]
	if risk != "high" {
		days *= 2
	}
	return days
}

// Due proposes a due day for a risk on a workload of the tier.
func (p Policy) Due(risk string, tier int, now time.Time) time.Time {
	return today(now).AddDate(0, 0, p.Days(risk, tier))
}

// Version says which policy it is: two that say the same are one.
func (p Policy) Version() string {
	var days []string
	for _, risk := range Risks() {
		for tier := 1; tier <= 3; tier++ {
			days = append(days, strconv.Itoa(p.Days(risk, tier)))
		}
	}
	return strings.Join(days, "-")
}

// LoadPolicy reads the policy. It does not authorise: anybody who is signed in may know it.
func LoadPolicy(ctx context.Context, q postgres.Querier) (Policy, error) {
	rows, err := q.Query(ctx, `select risk, tier, days from due_policy`)
	if err != nil {
		return nil, fmt.Errorf("read policy of due days: %w", err)
	}
	p := Policy{}
	var key PolicyKey
	var days int
	_, err = pgx.ForEachRow(rows, []any{&key.Risk, &key.Tier, &days}, func() error { p[key] = days; return nil })
	return p, err
}

// PolicyField is the name of a field of the policy in a form.
func PolicyField(risk string, tier int) string { return risk + "_" + strconv.Itoa(tier) }

// SavePolicy stores the whole policy, as typed and as it was seen at version. Admins in person may.
// Invalid on the field of each number that is not 1 to 730; a stale version is a conflict. Items
// that are open keep their days.
func (s *Service) SavePolicy(ctx context.Context, who identity.Actor, version string, typed func(field string) string) error {
	if who.PersonID == uuid.Nil || who.TokenID != uuid.Nil {
		return fault.New(fault.Forbidden, "Only a person in a browser may change the policy of due days.")
	}
	if err := who.May(identity.ManageConnections, identity.Target{}); err != nil {
		return err
	}
	var bad []fault.Field
	var risks []string
	var tiers, days []int
	var details []audit.Detail
	for _, risk := range Risks() {
		for tier := 1; tier <= 3; tier++ {
			field := PolicyField(risk, tier)
			n, err := strconv.Atoi(typed(field))
			if err != nil || n < 1 || n > 730 {
				bad = append(bad, fault.Field{Name: field, Message: "Write a number of days from 1 to 730."})
			}
			risks, tiers, days = append(risks, risk), append(tiers, tier), append(days, n)
			details = append(details, audit.Detail{Name: field, Value: strconv.Itoa(n)})
		}
	}
	if err := fault.InvalidFields(bad...); err != nil {
		return err
	}
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table due_policy in share row exclusive mode`); err != nil {
			return err
		}
		stored, err := LoadPolicy(ctx, tx)
		if err != nil {
			return err
		}
		if stored.Version() != version {
			return fault.New(fault.Conflict, "Somebody changed the due days since you opened them. Compare them; your input is still here.")
		}
		const sql = `
			insert into due_policy (risk, tier, days) select * from unnest($1::text[], $2::int[], $3::int[])
			on conflict (risk, tier) do update set days = excluded.days`
		if _, err := tx.Exec(ctx, sql, risks, tiers, days); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Act{Stream: audit.OrgStream, Verb: "due_policy.changed", TargetKind: "due_policy", At: now, Details: details})
	})
	if err != nil {
		return fmt.Errorf("save policy of due days: %w", err)
	}
	return nil
}
