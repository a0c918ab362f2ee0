package questionnaire_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres/pgtest"
	"orrery/internal/questionnaire"
)

var curator = identity.Actor{System: "test", Roles: []identity.OrgRole{identity.Curator}}

// ownSet is a set of one question in our own format.
func ownSet(key, version, title, more string) []byte {
	return []byte("key: " + key + "\nname: Own set\ndescription: Written here.\nversion: " + version + `
sections:
  - id: one
    name: One
    questions:
      - id: alpha
        title: ` + title + `
        phase: launch
        max_risk: high
        why: Without it nothing follows.
        choices:
          - id: done
            title: We finished alpha.
            weight: core
            first_step: {text: Begin.}
` + more)
}

const extra = `          - id: tested
            title: We test alpha.
            weight: extra
            first_step: {text: Write a test.}
`

func newLibrary(t *testing.T) (*questionnaire.Library, *pgxpool.Pool) {
	t.Helper()
	db := pgtest.New(t)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	l := questionnaire.NewLibrary(db, func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Second)
		return at
	})
	if _, err := l.LoadShipped(t.Context(), fstest.MapFS{"ours.yaml": {Data: ownSet("ours", "1.0.0", "Is it ours?", "")}}); err != nil {
		t.Fatal(err)
	}
	return l, db
}

func TestImportPublishesAndRecords(t *testing.T) {
	l, db := newLibrary(t)
	data := ownSet("greek", "1.0.0", "Is alpha done?", "")
	p, err := l.Propose(t.Context(), curator, questionnaire.Upload{Name: "greek.yaml", Data: data})
	if err != nil || !p.Fits() || !p.First || len(p.Problems) != 0 {
		t.Fatalf("dry run: %+v, %v", p, err)
	}
	if _, err := l.Newest(t.Context(), db, "greek", ""); !fault.Is(err, fault.NotFound) {
		t.Fatalf("the dry run wrote something: %v", err)
	}
	first, err := l.Import(t.Context(), curator, questionnaire.Upload{Name: "greek.yaml", Data: data})
	if err != nil || first.Key != "greek" || first.Version != "1.0.0" {
		t.Fatalf("%+v, %v", first, err)
	}
	origin, err := l.Origin(t.Context(), db, "greek")
	if err != nil || origin != questionnaire.Organisation {
		t.Errorf("origin %q, %v", origin, err)
	}
	var source []byte
	if err := db.QueryRow(t.Context(), `select source from questionnaire_versions where id = $1`, first.ID).Scan(&source); err != nil || string(source) != string(data) {
		t.Errorf("the stored bytes differ, %v", err)
	}
	entries, _, err := audit.Records(t.Context(), db, identity.Actor{System: "test", Roles: []identity.OrgRole{identity.Auditor}}, audit.Filter{Verb: "questionnaire.published", TargetID: first.ID.String()})
	if err != nil || len(entries) != 1 || !slices.Contains(entries[0].Details, audit.Detail{Name: "origin", Value: "organisation"}) {
		t.Errorf("audit: %+v, %v", entries, err)
	}

	second := questionnaire.Upload{Name: "greek.yaml", Data: ownSet("greek", "2.0.0", "Is alpha done?", extra)}
	p, err = l.Propose(t.Context(), curator, second)
	if err != nil || !p.Fits() || p.First || p.Current.Version != "1.0.0" || !p.Difference.Major || len(p.Difference.Added) != 1 {
		t.Fatalf("second dry run: %+v, %v", p, err)
	}
	if _, err := l.Import(t.Context(), curator, second); err != nil {
		t.Fatal(err)
	}
	versions, err := l.Versions(t.Context(), db, "greek")
	if err != nil || len(versions) != 2 || versions[0].Version != "2.0.0" {
		t.Errorf("versions: %+v, %v", versions, err)
	}
}

func TestImportRefuses(t *testing.T) {
	l, db := newLibrary(t)
	for _, version := range []string{"1.0.0", "1.2.0"} {
		if _, err := l.Import(t.Context(), curator, questionnaire.Upload{Name: "greek.yaml", Data: ownSet("greek", version, "Is alpha "+version+" done?", "")}); err != nil {
			t.Fatal(err)
		}
	}
	lens := strings.NewReplacer("Is alpha done?", "Is alpha finished?").Replace(lensOf(t, ownSet("greek", "1.2.0", "Is alpha done?", "")))
	for name, c := range map[string]struct {
		up   questionnaire.Upload
		want string
	}{
		"a shipped key":         {questionnaire.Upload{Data: ownSet("ours", "2.0.0", "Is it yours?", "")}, "The key ours belongs to a set that Orrery ships, which is read-only. Give your set another key."},
		"a number in use":       {questionnaire.Upload{Data: ownSet("greek", "1.2.0", "Is alpha known?", "")}, "Version 1.2.0 of greek is published already, and a published version never changes. Give the file a higher number, such as 1.3.0."},
		"an old number in use":  {questionnaire.Upload{Data: ownSet("greek", "1.0.0", "Is alpha known?", extra)}, "Version 1.0.0 of greek is published already, and a published version never changes. Give the file a higher number, such as 2.0.0."},
		"a lower number":        {questionnaire.Upload{Data: ownSet("greek", "1.1.9", "Is alpha known?", "")}, "Version 1.1.9 is lower than 1.2.0, the newest of greek. Give the file a higher number, such as 1.3.0."},
		"nothing new":           {questionnaire.Upload{Data: ownSet("greek", "1.3.0", "Is alpha 1.2.0 done?", "")}, "Nothing differs from version 1.2.0 of greek."},
		"an address":            {questionnaire.Upload{Data: ownSet("import", "1.0.0", "Is it?", "")}, "The key import is an address of the portal. Give the set another key."},
		"a key with a dash":     {questionnaire.Upload{Data: ownSet("-greek", "1.0.0", "Is it?", "")}, "The key is 2 to 40 small letters, digits and dashes, and begins with a letter or digit."},
		"a lens's bad key":      {questionnaire.Upload{Name: "a.json", Data: []byte(lens), Key: "No Key"}, "The key is 2 to 40 small letters, digits and dashes, and begins with a letter or digit."},
		"a lens's bad number":   {questionnaire.Upload{Name: "a.json", Data: []byte(lens), Key: "greek", Version: "two"}, "The version is three numbers, such as 1.0.0."},
		"a lens's shipped key":  {questionnaire.Upload{Name: "ours.json", Data: []byte(lens)}, "The key ours belongs to a set that Orrery ships, which is read-only. Give your set another key."},
		"content with mistakes": {questionnaire.Upload{Data: []byte("key: greek\nname: NaN")}, "The file is refused; nothing was written."},
		"not a file of ours":    {questionnaire.Upload{Data: []byte{0xff, 0xfe, 0}}, "The file is refused; nothing was written."},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := l.Propose(t.Context(), curator, c.up)
			if err != nil || p.Fits() {
				t.Fatalf("dry run: %+v, %v", p, err)
			}
			if p.Set != nil && !slices.Contains(p.Refusals, c.want) {
				t.Errorf("the dry run says %q", p.Refusals)
			}
			_, err = l.Import(t.Context(), curator, c.up)
			if !fault.Is(err, fault.Invalid) || fault.MessageOf(err) != c.want {
				t.Errorf("got %v: %s", err, fault.MessageOf(err))
			}
			if refused := (questionnaire.Problems)(nil); p.Set == nil && !errors.As(err, &refused) {
				t.Errorf("the problems are not in the error: %v", err)
			}
		})
	}
	if versions, err := l.Versions(t.Context(), db, "greek"); err != nil || len(versions) != 2 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	for _, who := range []identity.Actor{{}, {System: "test"}, {System: "test", Roles: []identity.OrgRole{identity.Admin, identity.Auditor}}} {
		up := questionnaire.Upload{Data: ownSet("new-set", "1.0.0", "Is it?", "")}
		if _, err := l.Import(t.Context(), who, up); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%+v imports: %v", who, err)
		}
		if _, err := l.Propose(t.Context(), who, up); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%+v looks: %v", who, err)
		}
	}
}

// lensOf writes a set as an AWS lens.
func lensOf(t *testing.T, source []byte) string {
	t.Helper()
	q, err := questionnaire.Parse("x.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	lens, _, err := questionnaire.ExportAWS(q)
	if err != nil {
		t.Fatal(err)
	}
	return string(lens)
}

// TestImportOfALens numbers the versions of a format that has none.
func TestImportOfALens(t *testing.T) {
	l, db := newLibrary(t)
	lens := lensOf(t, ownSet("greek", "9.9.9", "Is alpha done?", ""))
	longer := lensOf(t, ownSet("greek", "9.9.9", "Is alpha done?", extra))
	for i, c := range []struct {
		up   questionnaire.Upload
		want string
	}{
		{questionnaire.Upload{Name: "My Lens.json", Data: []byte(lens)}, "1.0.0"},
		{questionnaire.Upload{Name: "my-lens.json", Data: []byte(strings.Replace(lens, "Is alpha done?", "Is alpha finished?", 1))}, "1.1.0"},
		{questionnaire.Upload{Name: "other.json", Key: "my-lens", Data: []byte(longer)}, "2.0.0"},
		{questionnaire.Upload{Name: "my-lens.json", Version: "2.5.1", Data: []byte(lens)}, "2.5.1"},
	} {
		p, err := l.Import(t.Context(), curator, c.up)
		if err != nil || p.Key != "my-lens" || p.Version != c.want {
			t.Fatalf("%d: %+v, %v", i, p, err)
		}
		q, err := l.Version(t.Context(), db, p.ID)
		if err != nil || q.Key != "my-lens" || q.Version != c.want {
			t.Errorf("%d reads as %s %s, %v", i, q.Key, q.Version, err)
		}
		out, _, err := questionnaire.ExportAWS(q)
		if err != nil || string(out) != string(c.up.Data) || !json.Valid(out) {
			t.Errorf("%d does not come out byte for byte: %v", i, err)
		}
	}
}

// TestImportOnceOnly lets eight people import the same version at once.
func TestImportOnceOnly(t *testing.T) {
	l, db := newLibrary(t)
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for range 8 {
		wg.Go(func() {
			_, err := l.Import(t.Context(), curator, questionnaire.Upload{Data: ownSet("greek", "1.0.0", "Is alpha done?", "")})
			results <- err
		})
	}
	wg.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else if !fault.Is(err, fault.Invalid) {
			t.Errorf("refused with %v", err)
		}
	}
	if versions, err := l.Versions(t.Context(), db, "greek"); err != nil || done != 1 || len(versions) != 1 {
		t.Errorf("%d imports succeeded, %d versions, %v", done, len(versions), err)
	}
}

// TestShippedSetLeavesTheOrganisationsKey keeps a program's start from failing over a key
// that the organisation has taken, and from writing into its set.
func TestShippedSetLeavesTheOrganisationsKey(t *testing.T) {
	l, db := newLibrary(t)
	if _, err := l.Import(t.Context(), curator, questionnaire.Upload{Data: ownSet("greek", "1.0.0", "Is alpha done?", "")}); err != nil {
		t.Fatal(err)
	}
	fresh, err := l.LoadShipped(t.Context(), fstest.MapFS{"greek.yaml": {Data: ownSet("greek", "3.0.0", "Is it shipped?", "")}})
	if err != nil || fresh != 0 {
		t.Errorf("%d fresh, %v", fresh, err)
	}
	if p, err := l.Newest(t.Context(), db, "greek", ""); err != nil || p.Version != "1.0.0" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := l.LoadShipped(t.Context(), fstest.MapFS{"ours.yaml": {Data: ownSet("ours", "1.0.0", "Is it another?", "")}}); err == nil || !strings.Contains(err.Error(), "published with another content") {
		t.Errorf("a shipped file that changed: %v", err)
	}
}
