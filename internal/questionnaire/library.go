package questionnaire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Library keeps the published versions. A published version never changes, so what was
// parsed once is kept in memory by its id.
type Library struct {
	db     *pgxpool.Pool
	now    func() time.Time
	parsed sync.Map // uuid.UUID -> *Questionnaire
	linted sync.Map // uuid.UUID -> []Problem

	published PublishHook // nil: nothing follows a publication
}

// Published is a version as it is kept.
type Published struct {
	ID          uuid.UUID
	Key         string
	Version     string
	SHA256      []byte
	PublishedAt time.Time
	PublishedBy string // name of the person; empty for the program and its command line
}

// NewLibrary returns the library on the pool; now gives the time of an act.
func NewLibrary(db *pgxpool.Pool, now func() time.Time) *Library {
	return &Library{db: db, now: now}
}

// LoadShipped publishes every set in files that is not published yet, and returns the
// number of new versions. Several programs may do it at once. It is an error when a file
// differs from the version that was published under the same number. A key that a set of
// the organisation has stays the organisation's: the shipped set is left out. So is a number
// below one that is published: a program that goes back changes nothing.
func (l *Library) LoadShipped(ctx context.Context, files fs.FS) (fresh int, err error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return 0, fmt.Errorf("list shipped questionnaires: %w", err)
	}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return fresh, fmt.Errorf("read %s: %w", name, err)
		}
		q, err := Parse(path.Base(name), source)
		if err != nil {
			return fresh, fmt.Errorf("shipped questionnaire %s: %w", name, err)
		}
		published, err := l.publish(ctx, q, source)
		if err != nil {
			return fresh, fmt.Errorf("publish %s: %w", name, err)
		}
		if published {
			fresh++
		}
	}
	return fresh, nil
}

// publish stores one shipped version unless it is there, or a higher one, or its key is the
// organisation's.
func (l *Library) publish(ctx context.Context, q *Questionnaire, source []byte) (fresh bool, err error) {
	sum := sha256.Sum256(source)
	v := newVersion{set: q, source: source, sum: sum[:], origin: Shipped, who: identity.SystemActor("installation"), at: l.now()}
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		if err := v.lockSet(ctx, tx); err != nil {
			return err
		}
		stored, err := l.Newest(ctx, tx, q.Key, q.Version)
		if err == nil && !bytes.Equal(stored.SHA256, v.sum) {
			return fmt.Errorf("version %s of %s is published with another content; give the file a new version", q.Version, q.Key)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if fresh, err = l.highest(ctx, tx, q); err != nil || !fresh {
			return err
		}
		return v.insert(ctx, tx)
	})
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	return fresh && err == nil, err
}

// highest reports whether no version of the set with a higher number is published.
func (l *Library) highest(ctx context.Context, q postgres.Querier, set *Questionnaire) (bool, error) {
	versions, err := l.Versions(ctx, q, set.Key)
	return err == nil && !slices.ContainsFunc(versions, func(p Published) bool { return compareVersions(set.Version, p.Version) < 0 }), err
}

const publishedColumns = `id, questionnaire_key as key, version, sha256, published_at,
	coalesce((select p.name from people p where p.id = published_by), '') as published_by from questionnaire_versions`

// Newest returns the version of the set that was published last, or the one numbered
// version when that is not empty. Not found when there is none.
func (l *Library) Newest(ctx context.Context, q postgres.Querier, key, version string) (Published, error) {
	rows, err := q.Query(ctx, `select `+publishedColumns+`
		where questionnaire_key = $1 and ($2 = '' or version = $2) order by published_at desc, id desc limit 1`, key, version)
	if err != nil {
		return Published{}, fmt.Errorf("read version: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Published])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fault.New(fault.NotFound, "There is no such questionnaire.")
	}
	return p, err
}

// Version returns the parsed version with the id, from memory after the first time. It
// does not authorise: published questions are for everyone who is signed in.
func (l *Library) Version(ctx context.Context, q postgres.Querier, id uuid.UUID) (*Questionnaire, error) {
	if hit, ok := l.parsed.Load(id); ok {
		return hit.(*Questionnaire), nil
	}
	var key, version string
	var source []byte
	err := q.QueryRow(ctx, `select questionnaire_key, version, source from questionnaire_versions where id = $1`, id).Scan(&key, &version, &source)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no such version of a questionnaire.")
	}
	if err != nil {
		return nil, fmt.Errorf("read version %s: %w", id, err)
	}
	parsed, err := Parse(key, source)
	if err != nil {
		return nil, fmt.Errorf("stored version %s of %s: %w", id, key, err)
	}
	parsed.Key, parsed.Version = key, version // an AWS lens has neither in its bytes
	l.parsed.Store(id, parsed)
	return parsed, nil
}

// ChecksInUse returns each different evidence check of the newest version of every set and
// of every version an open review is pinned to, once.
func (l *Library) ChecksInUse(ctx context.Context) ([]Check, error) {
	rows, err := l.db.Query(ctx, `
		select distinct on (questionnaire_key) id from questionnaire_versions order by questionnaire_key, published_at desc, id desc`)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	pinned, err := l.db.Query(ctx, `
		select distinct p.version_id from review_questionnaires p join reviews r on r.id = p.review_id where r.state = 'open'`)
	if err != nil {
		return nil, fmt.Errorf("list pinned versions: %w", err)
	}
	more, err := pgx.CollectRows(pinned, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list pinned versions: %w", err)
	}
	var checks []Check
	seen := map[string]bool{}
	for _, id := range append(ids, more...) {
		q, err := l.Version(ctx, l.db, id)
		if err != nil {
			return nil, err
		}
		for _, question := range q.Questions() {
			for _, c := range question.Checks {
				if !seen[c.Digest()] {
					seen[c.Digest()] = true
					checks = append(checks, c)
				}
			}
		}
	}
	return checks, nil
}
