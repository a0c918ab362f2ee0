package remediation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
)

// List reads a page of items in the filter's order, and the cursor of the next page, empty at
// the end. Items of workloads that who may not read are left out. Invalid on "state", "risk",
// "sort" and "after".
func (s *Service) List(ctx context.Context, who identity.Actor, f Filter) (items []Item, next string, err error) {
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	after, err := f.check()
	if err != nil {
		return nil, "", err
	}
	items, err = list(ctx, s.db, who, f, after)
	if err != nil {
		return nil, "", err
	}
	if len(items) > f.Limit {
		items = items[:f.Limit]
		next = cursorOf(f.Sort, items[f.Limit-1]).String()
	}
	return items, next, nil
}

// Each reads every item under the filter, a page at a time, for files. It authorises as List.
func (s *Service) Each(ctx context.Context, who identity.Actor, f Filter, do func([]Item) error) error {
	f.Limit, f.After = 100, ""
	for {
		items, next, err := s.List(ctx, who, f)
		if err != nil {
			return err
		}
		if err := do(items); err != nil || next == "" {
			return err
		}
		f.After = next
	}
}

func (f *Filter) check() (*cursor, error) {
	if f.State != "" && f.State != "all" && !slices.Contains([]string{Open, InProgress, Done, Verified, Closed}, f.State) {
		return nil, fault.InvalidField("state", "There is no such state of an item.")
	}
	if !slices.Contains([]string{"", "high", "medium", "none"}, f.Risk) {
		return nil, fault.InvalidField("risk", "There is no such risk of an item.")
	}
	if !slices.Contains([]string{ByDue, ByRisk, ByWorkload, ByOwner}, f.Sort) {
		return nil, fault.InvalidField("sort", "There is no such order of items.")
	}
	f.WorkloadKey, f.TeamKey, f.Search = text.Line(f.WorkloadKey), text.Line(f.TeamKey), text.Line(f.Search)
	return parseCursor(f.After)
}

// sortKeys are what a list is ordered by before the due day and the id. Each has its twin in
// cursorOf.
var sortKeys = map[string]string{
	ByRisk:     `case i.risk when 'high' then '0' when 'medium' then '1' else '2' end collate "C"`,
	ByWorkload: `w.key collate "C"`,
	ByOwner:    `coalesce(i.owner_id::text, '') collate "C"`,
}

// list reads one page; restricted workloads are left out unless the actor may see them. Only
// the conditions that are asked for are written, so that an index gives the page in its order;
// people are joined to its lines alone.
func list(ctx context.Context, q postgres.Querier, who identity.Actor, f Filter, after *cursor) ([]Item, error) {
	parts, args := []string{`true`}, pgx.StrictNamedArgs{}
	if !seesAll(who) {
		parts = append(parts, `(not w.restricted or w.team_id = any(@teams) or w.id = any(@grants))`)
		args["teams"], args["grants"] = visible(who)
	}
	add := func(use bool, sql, name string, value any) {
		if use {
			parts, args[name] = append(parts, sql), value
		}
	}
	add(f.WorkloadKey != "", `i.workload_id = (select id from workloads where key = @workload)`, "workload", f.WorkloadKey)
	add(f.TeamKey != "", `w.team_id = (select x.id from teams x where x.key = @team)`, "team", f.TeamKey)
	add(f.Risk != "", `i.risk = @risk`, "risk", f.Risk)
	add(f.Search != "", `strpos(lower(i.title), lower(@search)) > 0`, "search", f.Search)
	add(f.OwnerID != uuid.Nil, `i.owner_id = @owner`, "owner", f.OwnerID)
	add(!f.OverdueAt.IsZero(), `i.due_on < @before and not `+finished, "before", today(f.OverdueAt))
	add(f.State != "" && f.State != "all", `i.state = @state`, "state", f.State)
	if f.Queue {
		parts = append(parts, `i.owner_id is null`)
	}
	if f.State == "" {
		parts = append(parts, `not `+finished)
	}
	order, key := `i.due_on, i.id`, sortKeys[f.Sort]
	if key != "" {
		order = key + `, ` + order
	}
	if after != nil && key != "" {
		add(true, `(`+key+`, i.due_on, i.id) > (@after_key, @after_due, @after_id)`, "after_key", after.Key)
	} else if after != nil {
		parts = append(parts, `(i.due_on, i.id) > (@after_due, @after_id)`)
	}
	if after != nil {
		args["after_due"], args["after_id"] = after.Due, after.ID
	}
	sql := `
		with page as materialized (
			select i.* from items i join workloads w on w.id = i.workload_id
			where ` + strings.Join(parts, ` and `) + ` order by ` + order + ` limit ` + strconv.Itoa(f.Limit+1) + `)
		select` + columns + ` from page i` + people + ` order by ` + order
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("list items: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Item])
}

// cursor is the place of the last item of a page in the order of a list.
type cursor struct {
	Key string    `json:"k,omitempty"`
	Due time.Time `json:"d"`
	ID  uuid.UUID `json:"i"`
}

func cursorOf(sort string, it Item) cursor {
	c := cursor{Due: it.DueOn, ID: it.ID}
	switch sort {
	case ByRisk:
		c.Key = map[string]string{"high": "0", "medium": "1"}[it.Risk]
		if c.Key == "" {
			c.Key = "2"
		}
	case ByWorkload:
		c.Key = it.WorkloadKey
	case ByOwner:
		c.Key = it.ownerField()
	}
	return c
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // text, a time and an id
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) > 500 || json.Unmarshal(b, &c) != nil || strings.ContainsRune(c.Key, 0) || c.Due.Year() < 1 || c.Due.Year() > 9999 ||
		c.String() != s || c.ID == uuid.Nil { // nothing is left out, and it names an item
		return nil, fault.InvalidField("after", "This page of the list cannot be found; start again from the first.")
	}
	return &c, nil
}
