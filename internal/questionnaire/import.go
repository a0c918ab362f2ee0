package questionnaire

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
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

// Upload is a file that shall become a version of one of the organisation's sets.
type Upload struct {
	Name string // of the file; an AWS lens takes its key from it when Key is empty
	Data []byte

	// An AWS lens has neither key nor version. When empty, the key comes from the file's
	// name, and the version is the next number for what changed. A file in our own format
	// has both, and these are not looked at.
	Key, Version string
}

// Proposal is what would come of an upload.
type Proposal struct {
	Set        *Questionnaire // nil when the content is refused
	SHA256     []byte
	Problems   []Problem // what refuses the content, or the warnings of Lint
	Refusals   []string  // why it may not be published although it can be read, whole sentences
	Current    Published // the newest version of the set with the key, if First is false
	Difference Difference
	First      bool // there is no set with the key yet
}

// Fits reports whether the upload may be published.
func (p Proposal) Fits() bool { return p.Set != nil && len(p.Refusals) == 0 }

// Propose tells what would come of publishing the upload, and writes nothing. Curators
// may: Forbidden for others.
func (l *Library) Propose(ctx context.Context, who identity.Actor, up Upload) (Proposal, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return Proposal{}, err
	}
	p, err := l.propose(ctx, l.db, up)
	if err != nil {
		return p, fmt.Errorf("look at %s: %w", up.Name, err)
	}
	return p, nil
}

// Import publishes the upload as a version of a set of the organisation. The stored bytes
// are those of the file. Curators may: Forbidden for others. Invalid, with the reasons, for
// what Propose refuses; nothing is written then.
func (l *Library) Import(ctx context.Context, who identity.Actor, up Upload) (Published, error) {
	if err := who.May(identity.Curate, identity.Target{}); err != nil {
		return Published{}, err
	}
	p, err := l.publishOwn(ctx, who, up, nil)
	if err != nil {
		return Published{}, fmt.Errorf("import %s: %w", up.Name, err)
	}
	return p, nil
}

// publishOwn publishes the upload; also, if given, is done first in the same transaction.
func (l *Library) publishOwn(ctx context.Context, who identity.Actor, up Upload, also func(pgx.Tx) error) (Published, error) {
	first, err := l.propose(ctx, l.db, up)
	if err == nil {
		err = first.refusal()
	}
	if err != nil {
		return Published{}, err
	}
	v := newVersion{set: first.Set, source: up.Data, sum: first.SHA256, origin: Organisation, who: who, at: l.now()}
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if err := v.lockSet(ctx, tx); err != nil {
			return err
		}
		again, err := l.propose(ctx, tx, up) // somebody else may have published meanwhile
		if err == nil {
			err = again.refusal()
		}
		if err != nil {
			return err
		}
		v.set = again.Set
		if err := v.insert(ctx, tx); err != nil || l.published == nil {
			return err
		}
		stored, err := l.Newest(ctx, tx, v.set.Key, v.set.Version)
		if err != nil {
			return err
		}
		return l.published(ctx, tx, who, stored, v.set)
	})
	if err != nil {
		return Published{}, err
	}
	return l.Newest(ctx, l.db, v.set.Key, v.set.Version)
}

// refusal is the Invalid fault for a proposal that does not fit.
func (p Proposal) refusal() error {
	switch {
	case p.Set == nil:
		return fault.Wrap(fault.Invalid, Problems(p.Problems), "The file is refused; nothing was written.")
	case len(p.Refusals) > 0:
		return fault.New(fault.Invalid, "%s", strings.Join(p.Refusals, " "))
	}
	return nil
}

func (l *Library) propose(ctx context.Context, q postgres.Querier, up Upload) (Proposal, error) {
	sum := sha256.Sum256(up.Data)
	p := Proposal{SHA256: sum[:]}
	set, err := Parse(up.Name, up.Data)
	var refused Problems
	if errors.As(err, &refused) {
		p.Problems = refused
		return p, nil
	}
	if err != nil {
		return p, err
	}
	lens := set.Format == FormatAWS
	if lens && up.Key != "" {
		set.Key = up.Key
	}
	p.Set, p.Problems = set, Lint(set)
	if strings.HasPrefix(set.Key, "-") || !keyPattern.MatchString(set.Key) {
		p.Refusals = append(p.Refusals, "The key is 2 to 40 small letters, digits and dashes, and begins with a letter or digit.")
		return p, nil
	}
	if slices.Contains(reservedKeys, set.Key) {
		p.Refusals = append(p.Refusals, fmt.Sprintf("The key %s is an address of the portal. Give the set another key.", set.Key))
		return p, nil
	}
	old, err := l.current(ctx, q, &p)
	if err != nil {
		return p, err
	}
	if lens {
		set.Version = cmp.Or(up.Version, nextVersion(p.Current.Version, p.Difference))
	}
	return p, l.judge(ctx, q, &p, old)
}

// reservedKeys are addresses beside the sets in the portal.
var reservedKeys = []string{"import", "drafts", "new"}

// current fills in what the set with the key is now, and the difference from it.
func (l *Library) current(ctx context.Context, q postgres.Querier, p *Proposal) (*Questionnaire, error) {
	var err error
	p.Current, err = l.Newest(ctx, q, p.Set.Key, "")
	if fault.Is(err, fault.NotFound) {
		p.First = true
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	old, err := l.Version(ctx, q, p.Current.ID)
	if err != nil {
		return nil, err
	}
	p.Difference = Compare(old, p.Set)
	return old, nil
}

// judge adds why the version may not be published.
func (l *Library) judge(ctx context.Context, q postgres.Querier, p *Proposal, old *Questionnaire) error {
	key, version := p.Set.Key, p.Set.Version
	refuse := func(format string, args ...any) { p.Refusals = append(p.Refusals, fmt.Sprintf(format, args...)) }
	if !versionPattern.MatchString(version) {
		refuse("The version is three numbers, such as 1.0.0.")
		return nil
	}
	if strings.ContainsRune(p.Set.Name, 0) {
		refuse("The name of the set holds a sign that no text may hold.")
	}
	origin, err := l.Origin(ctx, q, key)
	if err != nil || origin == "" {
		return err
	}
	if origin == Shipped {
		refuse("The key %s belongs to a set that Orrery ships, which is read-only. Give your set another key.", key)
		return nil
	}
	if old == nil {
		return nil // a set whose first version is being published
	}
	versions, err := l.Versions(ctx, q, key)
	if err != nil {
		return err
	}
	switch same := slices.IndexFunc(versions, func(v Published) bool { return v.Version == version }); {
	case same >= 0:
		refuse("Version %s of %s is published already, and a published version never changes. Give the file a higher number, such as %s.", version, key, nextVersion(p.Current.Version, p.Difference))
	case compareVersions(version, p.Current.Version) < 0:
		refuse("Version %s is lower than %s, the newest of %s. Give the file a higher number, such as %s.", version, p.Current.Version, key, nextVersion(p.Current.Version, p.Difference))
	case p.Difference.Empty():
		refuse("Nothing differs from version %s of %s.", p.Current.Version, key)
	}
	return nil
}

// newVersion is a version about to be stored.
type newVersion struct {
	set    *Questionnaire
	source []byte
	sum    []byte
	origin string
	who    identity.Actor
	at     time.Time
}

// lockSet makes the set or locks it until the end of the transaction, as it is. Conflict when
// the key belongs to a set of the other origin.
func (v newVersion) lockSet(ctx context.Context, tx pgx.Tx) error {
	const sql = `insert into questionnaires (key, name, origin, created_at) values ($1, $2, $3, $4)
		on conflict (key) do update set name = questionnaires.name where questionnaires.origin = excluded.origin`
	tag, err := tx.Exec(ctx, sql, v.set.Key, v.set.Name, v.origin, v.at)
	if err != nil {
		return fmt.Errorf("lock set %s: %w", v.set.Key, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "The key %s belongs to a set of another origin.", v.set.Key)
	}
	return nil
}

// insert stores the version, whose name the set has from then on, and records it; the caller
// has locked the set. It is a unique violation of questionnaire_versions_unique when the
// number is taken.
func (v newVersion) insert(ctx context.Context, tx pgx.Tx) error {
	var by *uuid.UUID
	if v.who.PersonID != uuid.Nil {
		by = &v.who.PersonID
	}
	id := uuid.Must(uuid.NewV7())
	const sql = `insert into questionnaire_versions (id, questionnaire_key, version, source, sha256, questions, published_at, published_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`
	if _, err := tx.Exec(ctx, sql, id, v.set.Key, v.set.Version, v.source, v.sum, len(v.set.Questions()), v.at, by); err != nil {
		return fmt.Errorf("store version %s of %s: %w", v.set.Version, v.set.Key, err)
	}
	if _, err := tx.Exec(ctx, `update questionnaires set name = $2 where key = $1`, v.set.Key, v.set.Name); err != nil {
		return fmt.Errorf("name set %s: %w", v.set.Key, err)
	}
	return audit.Record(ctx, tx, v.who, audit.Act{
		Stream: audit.OrgStream, Verb: "questionnaire.published", TargetKind: "questionnaire_version", TargetID: id.String(), At: v.at,
		Details: []audit.Detail{
			{Name: "key", Value: v.set.Key}, {Name: "version", Value: v.set.Version}, {Name: "sha256", Value: fmt.Sprintf("%x", v.sum)},
			{Name: "origin", Value: v.origin},
		},
	})
}

// nextVersion is the number after the current one for what changed: another major number
// for a major difference, another minor one for any other. The first is 1.0.0.
func nextVersion(current string, d Difference) string {
	if current == "" {
		return "1.0.0"
	}
	n := versionNumbers(current)
	if d.Major {
		return fmt.Sprintf("%d.0.0", n[0]+1)
	}
	return fmt.Sprintf("%d.%d.0", n[0], n[1]+1)
}

func compareVersions(a, b string) int {
	x, y := versionNumbers(a), versionNumbers(b)
	return slices.Compare(x[:], y[:])
}

// versionNumbers reads a version that versionPattern matches.
func versionNumbers(version string) (n [3]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		n[i], _ = strconv.Atoi(part)
	}
	return n
}
