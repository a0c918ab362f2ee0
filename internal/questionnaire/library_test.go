package questionnaire_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestAProgramThatGoesBackPublishesNothing starts programs with older sets after newer ones:
// what is newest stays newest, under its name, whether the older number was published or not.
func TestAProgramThatGoesBackPublishesNothing(t *testing.T) {
	l, db := newLibrary(t)
	for _, step := range []struct {
		version, name string
		fresh         int
		newest        string
	}{
		{"1.0.0", "First words", 1, "1.0.0"},
		{"1.2.0", "Later words", 1, "1.2.0"},
		{"1.1.0", "Words between", 0, "1.2.0"}, // was skipped: a program goes back
		{"1.0.0", "First words", 0, "1.2.0"},   // goes back to what was published
		{"1.2.0", "Later words", 0, "1.2.0"},
		{"1.10.0", "Tenth words", 1, "1.10.0"}, // numbers, not text
		{"1.9.0", "Ninth words", 0, "1.10.0"},
		{"2.0.0", "New words", 1, "2.0.0"},
	} {
		file := strings.Replace(string(ownSet("drill", step.version, "Is alpha done?", "")), "name: Own set", "name: "+step.name, 1)
		fresh, err := l.LoadShipped(t.Context(), fstest.MapFS{"drill.yaml": {Data: []byte(file)}})
		if err != nil || fresh != step.fresh {
			t.Errorf("%s: %d fresh, %v; want %d", step.version, fresh, err, step.fresh)
		}
		p, err := l.Newest(t.Context(), db, "drill", "")
		if err != nil || p.Version != step.newest {
			t.Errorf("after %s the newest is %s, %v; want %s", step.version, p.Version, err, step.newest)
		}
		set, err := l.Version(t.Context(), db, p.ID)
		var name string
		if err == nil {
			err = db.QueryRow(t.Context(), `select name from questionnaires where key = 'drill'`).Scan(&name)
		}
		if err != nil || name != set.Name {
			t.Errorf("after %s the set is named %q, %v; its newest version %q", step.version, name, err, set.Name)
		}
	}
	var versions, acts int
	err := db.QueryRow(t.Context(), `select (select count(*) from questionnaire_versions where questionnaire_key = 'drill'),
		(select count(*) from audit_records where verb = 'questionnaire.published' and strpos(convert_from(body, 'UTF8'), '"drill"') > 0)`).Scan(&versions, &acts)
	if err != nil || versions != 4 || acts != 4 {
		t.Errorf("%d versions, %d acts, %v; want 4 of each", versions, acts, err)
	}
}

// A library in which an older number was published last takes no number below its highest.
func TestNoNumberBelowTheHighestIsPublished(t *testing.T) {
	l, db := newLibrary(t)
	load := func(version string) int {
		t.Helper()
		fresh, err := l.LoadShipped(t.Context(), fstest.MapFS{"drill.yaml": {Data: ownSet("drill", version, "Is alpha done?", "")}})
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	load("1.2.0")
	const sql = `insert into questionnaire_versions (id, questionnaire_key, version, source, sha256, questions, published_at)
		select gen_random_uuid(), questionnaire_key, '1.0.0', source, sha256, questions, published_at + interval '1 day' from questionnaire_versions where questionnaire_key = 'drill'`
	if _, err := db.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	if n := load("1.1.0"); n != 0 {
		t.Errorf("%d fresh", n)
	}
}
