package questionnaire

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
)

// Where a set comes from.
const (
	Shipped      = "shipped"      // part of the program: read-only, new versions come with it
	Organisation = "organisation" // written or imported here
)

// Set is a questionnaire with its newest version.
type Set struct {
	Published            // the newest version
	Origin        string // Shipped or Organisation
	Versions      int    // how many were published
	Questionnaire *Questionnaire
	Warnings      int // of Lint
}

// setRow is a set as one row.
type setRow struct {
	Published
	Origin   string
	Versions int
}

// Sets returns every set by name, shipped ones first. It does not authorise: published
// questions are for everyone who is signed in.
func (l *Library) Sets(ctx context.Context, q postgres.Querier) ([]Set, error) {
	rows, err := q.Query(ctx, `
		select v.*, s.origin, (select count(*) from questionnaire_versions c where c.questionnaire_key = s.key) as versions
		from questionnaires s
		cross join lateral (select `+publishedColumns+` where questionnaire_key = s.key order by published_at desc, id desc limit 1) v
		order by s.origin desc, s.name, s.key`)
	if err != nil {
		return nil, fmt.Errorf("list questionnaires: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[setRow])
	if err != nil {
		return nil, fmt.Errorf("list questionnaires: %w", err)
	}
	sets := make([]Set, 0, len(found))
	for _, row := range found {
		s := Set{Published: row.Published, Origin: row.Origin, Versions: row.Versions}
		if s.Questionnaire, err = l.Version(ctx, q, row.ID); err != nil {
			return nil, err
		}
		s.Warnings = len(l.warnings(row.ID, s.Questionnaire))
		sets = append(sets, s)
	}
	return sets, nil
}

// Origin returns where the set comes from, empty when there is no such set.
func (l *Library) Origin(ctx context.Context, q postgres.Querier, key string) (origin string, err error) {
	err = q.QueryRow(ctx, `select coalesce(max(origin), '') from questionnaires where key = $1`, key).Scan(&origin)
	if err != nil {
		return "", fmt.Errorf("read questionnaire: %w", err)
	}
	return origin, nil
}

// Versions returns the published versions of a set, newest first.
func (l *Library) Versions(ctx context.Context, q postgres.Querier, key string) ([]Published, error) {
	rows, err := q.Query(ctx, `select `+publishedColumns+` where questionnaire_key = $1 order by published_at desc, id desc`, key)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowToStructByName[Published])
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return versions, nil
}

// Warnings returns what Lint says of a published version, from memory after the first time.
func (l *Library) Warnings(ctx context.Context, q postgres.Querier, id uuid.UUID) ([]Problem, error) {
	set, err := l.Version(ctx, q, id)
	if err != nil {
		return nil, err
	}
	return l.warnings(id, set), nil
}

func (l *Library) warnings(id uuid.UUID, set *Questionnaire) []Problem {
	if hit, ok := l.linted.Load(id); ok {
		return hit.([]Problem)
	}
	found := Lint(set)
	l.linted.Store(id, found)
	return found
}
