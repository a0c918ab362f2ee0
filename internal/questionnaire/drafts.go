package questionnaire

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// Draft is the next version of a set of the organisation while it is written. One set has
// one draft at most.
type Draft struct {
	ID        uuid.UUID
	Key       string
	Revision  int            // grows with every save; a save says which one it changes
	Set       *Questionnaire // as far as it is written; its version is given when it is published
	UpdatedBy string         // name of the person, empty for a part of the system
	UpdatedAt time.Time
}

// DraftInput says what a draft begins as.
type DraftInput struct {
	Key  string // of the set; that of one of the organisation's sets begins its next version
	Name string // empty: that of the set it is copied from
	From string // key of the set whose newest version is copied; empty begins with nothing
}

// draftRow is a draft as it is stored.
type draftRow struct {
	ID        uuid.UUID
	Key       string
	Revision  int
	Document  []byte
	UpdatedBy string
	UpdatedAt time.Time
}

const draftColumns = `select d.id, d.key, d.revision, d.document, d.updated_at,
	coalesce((select p.name from people p where p.id = d.updated_by), '') as updated_by from questionnaire_drafts d`

func (r draftRow) draft() (Draft, error) {
	d := Draft{ID: r.ID, Key: r.Key, Revision: r.Revision, UpdatedBy: r.UpdatedBy, UpdatedAt: r.UpdatedAt, Set: &Questionnaire{}}
	if err := json.Unmarshal(r.Document, d.Set); err != nil {
		return d, fmt.Errorf("stored draft %s: %w", r.ID, err)
	}
	d.Set.index()
	return d, nil
}

// Drafts lists the drafts by key. Curators may: Forbidden for others.
func (l *Library) Drafts(ctx context.Context, who identity.Actor) ([]Draft, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return nil, err
	}
	rows, err := l.db.Query(ctx, draftColumns+` order by d.key`)
	if err != nil {
		return nil, fmt.Errorf("list drafts: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[draftRow])
	if err != nil {
		return nil, fmt.Errorf("list drafts: %w", err)
	}
	drafts := make([]Draft, len(found))
	for i, row := range found {
		if drafts[i], err = row.draft(); err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// Draft returns one draft. Curators may: Forbidden for others. Not found when there is none.
func (l *Library) Draft(ctx context.Context, who identity.Actor, id uuid.UUID) (Draft, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return Draft{}, err
	}
	return readDraft(ctx, l.db, id, "")
}

func readDraft(ctx context.Context, q postgres.Querier, id uuid.UUID, lock string) (Draft, error) {
	rows, err := q.Query(ctx, draftColumns+` where d.id = $1 `+lock, id)
	if err != nil {
		return Draft{}, fmt.Errorf("read draft: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[draftRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Draft{}, fault.New(fault.NotFound, "There is no such draft. It may have been published or thrown away.")
	}
	if err != nil {
		return Draft{}, fmt.Errorf("read draft: %w", err)
	}
	return row.draft()
}

// CreateDraft begins a version. Curators may: Forbidden for others. Invalid on "key", "name"
// and "from"; Conflict when the set has a draft already.
func (l *Library) CreateDraft(ctx context.Context, who identity.Actor, in DraftInput) (Draft, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return Draft{}, err
	}
	set, err := l.beginning(ctx, in)
	if err != nil {
		return Draft{}, fmt.Errorf("begin draft: %w", err)
	}
	d := Draft{ID: uuid.Must(uuid.NewV7()), Key: set.Key, Revision: 1, Set: set, UpdatedBy: who.Name, UpdatedAt: l.now()}
	document, err := json.Marshal(set)
	if err != nil {
		return d, fmt.Errorf("encode draft: %w", err)
	}
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		const sql = `insert into questionnaire_drafts (id, key, revision, document, created_by, created_at, updated_by, updated_at)
			values ($1, $2, $3, $4, $5, $6, $5, $6)`
		if _, err := tx.Exec(ctx, sql, d.ID, d.Key, d.Revision, document, personOf(who), d.UpdatedAt); err != nil {
			return err
		}
		return recordDraft(ctx, tx, who, d, "questionnaire.draft_created")
	})
	if postgres.IsUnique(err, "questionnaire_drafts_key_unique") {
		return d, fault.New(fault.Conflict, "The set %s has a draft already. Go on with that one, or throw it away first.", d.Key)
	}
	if err != nil {
		return d, fmt.Errorf("begin draft: %w", err)
	}
	return d, nil
}

// beginning is the content a draft begins with.
func (l *Library) beginning(ctx context.Context, in DraftInput) (*Questionnaire, error) {
	if strings.HasPrefix(in.Key, "-") || !keyPattern.MatchString(in.Key) {
		return nil, fault.InvalidField("key", "The key is 2 to 40 small letters, digits and dashes, and begins with a letter or digit.")
	}
	origin, err := l.Origin(ctx, l.db, in.Key)
	if err != nil {
		return nil, err
	}
	if origin == Shipped {
		return nil, fault.InvalidField("key", "The key %s belongs to a set that Orrery ships, which is read-only. Give your set another key.", in.Key)
	}
	set := &Questionnaire{}
	if in.From != "" {
		if set, err = l.copyOf(ctx, in.From); err != nil {
			return nil, err
		}
	}
	set.Key, set.Name, set.Format = in.Key, cmp.Or(in.Name, set.Name), FormatYAML
	if bad := needText(nil, "name", set.Name, "Give the set a name.", maxTitle); len(bad) > 0 {
		return nil, fault.InvalidFields(bad...)
	}
	return set, nil
}

// copyOf is a copy of the newest version of a set, in our own format.
func (l *Library) copyOf(ctx context.Context, key string) (*Questionnaire, error) {
	p, err := l.Newest(ctx, l.db, key, "")
	if fault.Is(err, fault.NotFound) {
		return nil, fault.InvalidField("from", "There is no such set to copy.")
	}
	if err != nil {
		return nil, err
	}
	q, err := l.Version(ctx, l.db, p.ID)
	if err != nil {
		return nil, err
	}
	source, err := ExportYAML(q)
	if err != nil {
		return nil, fault.InvalidField("from", "This set does not fit our own format, so it cannot be edited here.")
	}
	return Parse(key, source)
}

// SaveDraft applies the edit to a revision of the draft. Curators may: Forbidden for
// others. Conflict when somebody saved another revision meanwhile; Invalid as the edit says.
func (l *Library) SaveDraft(ctx context.Context, who identity.Actor, id uuid.UUID, revision int, edit Edit) (Draft, error) {
	var d Draft
	err := l.withDraft(ctx, who, id, revision, func(tx pgx.Tx, found Draft) error {
		d = found
		if err := edit(d.Set); err != nil {
			return err
		}
		d.Set.index()
		document, err := json.Marshal(d.Set)
		if err != nil {
			return fmt.Errorf("encode draft: %w", err)
		}
		if len(document) > 4*MaxFile {
			return fault.New(fault.Invalid, "The set is too large. Split it into several sets.")
		}
		d.Revision, d.UpdatedBy, d.UpdatedAt = d.Revision+1, who.Name, l.now()
		const sql = `update questionnaire_drafts set revision = $2, document = $3, updated_by = $4, updated_at = $5 where id = $1`
		if _, err := tx.Exec(ctx, sql, d.ID, d.Revision, document, personOf(who), d.UpdatedAt); err != nil {
			return err
		}
		return recordDraft(ctx, tx, who, d, "questionnaire.draft_saved")
	})
	return d, err
}

// DiscardDraft throws the draft away. Curators may: Forbidden for others. Conflict when
// somebody saved another revision meanwhile.
func (l *Library) DiscardDraft(ctx context.Context, who identity.Actor, id uuid.UUID, revision int) error {
	return l.withDraft(ctx, who, id, revision, func(tx pgx.Tx, d Draft) error {
		if _, err := tx.Exec(ctx, `delete from questionnaire_drafts where id = $1`, id); err != nil {
			return err
		}
		d.UpdatedAt = l.now()
		return recordDraft(ctx, tx, who, d, "questionnaire.draft_discarded")
	})
}

// withDraft authorises, locks the draft, wants the revision, and acts in one transaction.
func (l *Library) withDraft(ctx context.Context, who identity.Actor, id uuid.UUID, revision int, act func(pgx.Tx, Draft) error) error {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		d, err := lockDraft(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		return act(tx, d)
	})
	if err != nil {
		return fmt.Errorf("draft %s: %w", id, err)
	}
	return nil
}

func lockDraft(ctx context.Context, tx pgx.Tx, id uuid.UUID, revision int) (Draft, error) {
	d, err := readDraft(ctx, tx, id, "for update of d")
	if err != nil {
		return d, err
	}
	if d.Revision != revision {
		return d, staleDraft(d)
	}
	return d, nil
}

func staleDraft(d Draft) error {
	return fault.New(fault.Conflict, "%s saved this draft at %s, after you opened it. Open it again.", cmp.Or(d.UpdatedBy, "Somebody"), d.UpdatedAt.UTC().Format("15:04"))
}

// upload is the draft as a file, under a version.
func (d Draft) upload(version string) (Upload, error) {
	set := *d.Set
	set.Version = version
	source, err := encodeYAML(&set)
	return Upload{Name: d.Key + ".yaml", Data: source}, err
}

// ProposeDraft tells what would come of publishing the draft under the version; an empty
// one is the next number for what changed. Curators may: Forbidden for others.
func (l *Library) ProposeDraft(ctx context.Context, who identity.Actor, d Draft, version string) (Proposal, error) {
	up, err := d.upload(cmp.Or(version, "1.0.0"))
	if err != nil {
		return Proposal{}, err
	}
	p, err := l.Propose(ctx, who, up)
	if err != nil || version != "" || p.First || p.Set == nil {
		return p, err
	}
	if up, err = d.upload(nextVersion(p.Current.Version, p.Difference)); err != nil {
		return p, err
	}
	return l.Propose(ctx, who, up)
}

// PublishDraft publishes the revision of the draft under the version and ends the draft.
// Curators may: Forbidden for others. Invalid for what ProposeDraft refuses; Conflict when
// somebody saved another revision meanwhile.
func (l *Library) PublishDraft(ctx context.Context, who identity.Actor, id uuid.UUID, revision int, version string) (Published, error) {
	d, err := l.Draft(ctx, who, id)
	if err != nil {
		return Published{}, err
	}
	if d.Revision != revision {
		return Published{}, staleDraft(d)
	}
	up, err := d.upload(version)
	if err != nil {
		return Published{}, err
	}
	p, err := l.publishOwn(ctx, who, up, func(tx pgx.Tx) error {
		if _, err := lockDraft(ctx, tx, id, revision); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from questionnaire_drafts where id = $1`, id)
		return err
	})
	if err != nil {
		return Published{}, fmt.Errorf("publish draft %s: %w", d.Key, err)
	}
	return p, nil
}

func personOf(who identity.Actor) *uuid.UUID {
	if who.PersonID == uuid.Nil {
		return nil
	}
	return &who.PersonID
}

func recordDraft(ctx context.Context, tx pgx.Tx, who identity.Actor, d Draft, verb string) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.OrgStream, Verb: verb, TargetKind: "questionnaire_draft", TargetID: d.ID.String(), At: d.UpdatedAt,
		Details: []audit.Detail{{Name: "key", Value: d.Key}, {Name: "revision", Value: strconv.Itoa(d.Revision)}},
	})
}
