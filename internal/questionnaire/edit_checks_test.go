package questionnaire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orrery/internal/fault"
)

// full is the form of a question with everything a form can say.
func full() QuestionInput {
	in := backups()
	in.Tiers, in.Tags, in.Lineage = []int{1, 2}, []string{"data", "backup"}, []string{"REL09-BP04"}
	in.Links = []Link{{"Where it is written", "https://example.org/backup"}}
	in.Choices[0].Why, in.Choices[0].Good, in.Choices[0].StepURL, in.Choices[0].Lineage = "Stores fail.", "A job a day.", "https://example.org/list", []string{"REL09-BP01"}
	in.Checks = []CheckInput{
		{Source: "securityhub.control", Key: "RDS.11", Choice: RowRef(0), Expect: "all_pass", Claim: "Every instance has backups.", Level: "resource", MaxAge: "30"},
		{Expect: "all_pass", Level: "resource", MaxAge: "30"},
		{Source: "config.recorder", Choice: RowRef(2), Expect: "any_pass", Level: "account", MaxAge: "90m"},
		{Source: "cloudtrail.activity", Key: "RestoreDBInstanceFromDBSnapshot", Choice: RowRef(2), Expect: "seen_within", Level: "account", MaxAge: "30", Within: "90d"},
	}
	return in
}

func TestEverythingOfAQuestionIsWritten(t *testing.T) {
	q := written(t)
	in := full()
	in.Title = "Can you restore all of it?"
	if err := in.Apply()(q); err != nil {
		t.Fatalf("%v %+v", err, fault.FieldsOf(err))
	}
	q.Version = "1.0.0"
	source, err := ExportYAML(q)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Parse("own.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := set.Question("can_you_restore_all_of")
	want := []Check{
		{ID: "rds_11", Choice: "back_up_every_store", Source: "securityhub.control", Key: "RDS.11", Expect: "all_pass", Claim: "Every instance has backups.", Level: "resource", MaxAge: 30 * time.Hour},
		{ID: "recorder", Choice: "restored_one_this_quarter", Source: "config.recorder", Key: "recorder", Expect: "any_pass", Level: "account", MaxAge: 90 * time.Minute},
		{ID: "restoredbinstancefromdbsnapshot", Choice: "restored_one_this_quarter", Source: "cloudtrail.activity", Key: "RestoreDBInstanceFromDBSnapshot", Expect: "seen_within", Level: "account", MaxAge: 30 * time.Hour, Within: 90 * 24 * time.Hour},
	}
	if diff := cmp.Diff(want, got.Checks, unexported); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(got.Tiers, in.Tiers) || !slices.Equal(got.Tags, in.Tags) || !slices.Equal(got.Lineage, in.Lineage) || !slices.Equal(got.Links, in.Links) {
		t.Errorf("%+v", got)
	}
	if c := got.Choices[0]; c.Why != "Stores fail." || c.Good != "A job a day." || c.FirstStep.URL != "https://example.org/list" || !slices.Equal(c.Lineage, []string{"REL09-BP01"}) {
		t.Errorf("%+v", c)
	}
	again := InputOf(got)
	if again.Checks[0].MaxAge != "30" || again.Checks[1].MaxAge != "1h30m" || again.Checks[2].Within != "2160" {
		t.Errorf("read back: %+v", again.Checks)
	}
	again.Checks[0].Source = "" // takes it away
	if err := again.Apply()(q); err != nil || len(q.Sections[0].Questions[1].Checks) != 2 {
		t.Errorf("%v %+v", err, q.Sections[0].Questions[1].Checks)
	}
}

func TestChecksFollowTheirChoice(t *testing.T) {
	in := full()
	in.MoveChoice(1, true)
	if in.Checks[0].Choice != RowRef(1) || in.Checks[2].Choice != RowRef(2) || in.Choices[1].Title != "We back up every store." {
		t.Errorf("%+v", in.Checks)
	}
	before := slices.Clone(in.Checks)
	in.MoveChoice(0, true)
	in.MoveChoice(2, false)
	if !slices.Equal(before, in.Checks) {
		t.Errorf("%+v", in.Checks)
	}
}

func TestRefusedChecksAndFields(t *testing.T) {
	check := func(f func(*CheckInput)) func(*QuestionInput) {
		return func(in *QuestionInput) { f(&in.Checks[3]) }
	}
	for name, c := range map[string]struct {
		change func(*QuestionInput)
		field  string
	}{
		"a source that is none":      {check(func(c *CheckInput) { c.Source = "config.thing" }), "check_source_3"},
		"no source but a key":        {check(func(c *CheckInput) { c.Source = "" }), "check_source_3"},
		"no key":                     {check(func(c *CheckInput) { c.Key = "" }), "check_key_3"},
		"a long key":                 {check(func(c *CheckInput) { c.Key = strings.Repeat("x", 129) }), "check_key_3"},
		"another trail":              {check(func(c *CheckInput) { c.Source, c.Key = "cloudtrail.trail", "valid" }), "check_key_3"},
		"another recorder":           {func(in *QuestionInput) { in.Checks[2].Key = "mine" }, "check_key_2"},
		"no choice":                  {check(func(c *CheckInput) { c.Choice = "" }), "check_choice_3"},
		"the choice of an empty row": {check(func(c *CheckInput) { c.Choice = RowRef(1) }), "check_choice_3"},
		"a choice that is none":      {check(func(c *CheckInput) { c.Choice = "gone" }), "check_choice_3"},
		"no expectation":             {check(func(c *CheckInput) { c.Expect, c.Within = "", "" }), "check_expect_3"},
		"no level":                   {check(func(c *CheckInput) { c.Level = "Region" }), "check_level_3"},
		"a long claim":               {check(func(c *CheckInput) { c.Claim = strings.Repeat("x", 2049) }), "check_claim_3"},
		"no age":                     {check(func(c *CheckInput) { c.MaxAge = "" }), "check_max_age_3"},
		"an age of nothing":          {check(func(c *CheckInput) { c.MaxAge = "0" }), "check_max_age_3"},
		"an age that overflows":      {check(func(c *CheckInput) { c.MaxAge = "99999999999999" }), "check_max_age_3"},
		"an age in words":            {check(func(c *CheckInput) { c.MaxAge = "a day" }), "check_max_age_3"},
		"days that overflow":         {check(func(c *CheckInput) { c.Within = "999999999999d" }), "check_within_3"},
		"no look-back":               {check(func(c *CheckInput) { c.Within = "" }), "check_within_3"},
		"a look-back too many":       {func(in *QuestionInput) { in.Checks[0].Within = "3" }, "check_within_0"},
		"tier 4":                     {func(in *QuestionInput) { in.Tiers = []int{4} }, "tiers"},
		"a tier twice":               {func(in *QuestionInput) { in.Tiers = []int{1, 1} }, "tiers"},
		"a long tag":                 {func(in *QuestionInput) { in.Tags = []string{strings.Repeat("x", 65)} }, "tags"},
		"many practices":             {func(in *QuestionInput) { in.Lineage = slices.Repeat([]string{"OPS01-BP01"}, 41) }, "lineage"},
		"a link to a script":         {func(in *QuestionInput) { in.Links[0].URL = "javascript:alert(1)" }, "links"},
		"a link without a text":      {func(in *QuestionInput) { in.Links[0].Text = "" }, "links"},
		"a first step to nowhere":    {func(in *QuestionInput) { in.Choices[0].StepURL = "ftp://x" }, "url_0"},
		"a long why of a choice":     {func(in *QuestionInput) { in.Choices[2].Why = strings.Repeat("x", 2049) }, "why_2"},
		"a long good of a choice":    {func(in *QuestionInput) { in.Choices[2].Good = strings.Repeat("x", 2049) }, "good_2"},
		"a long practice":            {func(in *QuestionInput) { in.Choices[2].Lineage = []string{strings.Repeat("x", 129)} }, "practices_2"},
	} {
		t.Run(name, func(t *testing.T) {
			q, in := written(t), full()
			c.change(&in)
			before, _ := json.Marshal(q)
			err := in.Apply()(q)
			fields := fault.FieldsOf(err)
			if !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != c.field || fields[0].Message == "" {
				t.Errorf("%v %+v", err, fields)
			}
			if after, _ := json.Marshal(q); string(after) != string(before) {
				t.Error("a refused edit changed the draft")
			}
		})
	}
}

func TestSectionsAreNamedAndMoved(t *testing.T) {
	q := written(t)
	for _, edit := range []Edit{
		AddSection("Second"), MoveSection("second", true), MoveSection("second", true),
		SectionInput{"Getting it back", "After a loss."}.Apply("recovery"),
	} {
		if err := edit(q); err != nil {
			t.Fatal(err)
		}
	}
	if q.Sections[0].ID != "second" || q.Sections[1].ID != "recovery" || q.Sections[1].Name != "Getting it back" || q.Sections[1].Description != "After a loss." {
		t.Errorf("%+v", q.Sections)
	}
	for name, c := range map[string]struct {
		edit Edit
		kind fault.Kind
	}{
		"a name of nothing":  {SectionInput{}.Apply("recovery"), fault.Invalid},
		"a long name":        {SectionInput{Name: strings.Repeat("x", 129)}.Apply("recovery"), fault.Invalid},
		"a long description": {SectionInput{Name: "x", Description: strings.Repeat("x", 2049)}.Apply("recovery"), fault.Invalid},
		"no section to name": {SectionInput{Name: "x"}.Apply("none"), fault.NotFound},
		"no section to move": {MoveSection("none", true), fault.NotFound},
		"nowhere to copy to": {CopyQuestion(&q.Sections[1].Questions[0], "none"), fault.Invalid},
	} {
		if err := c.edit(q); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestQuestionsAreCopied copies every question of a set twice: first under its id, then
// under another, and wants both to score alike.
func TestQuestionsAreCopied(t *testing.T) {
	set := mustParse(t, "orr.yaml", string(shippedFile(t, "orr.yaml")))
	draft := &Questionnaire{Key: "own", Name: "Own", Version: "1.0.0", Format: FormatYAML}
	for _, edit := range []Edit{AddSection("First"), AddSection("Second")} {
		if err := edit(draft); err != nil {
			t.Fatal(err)
		}
	}
	for _, section := range []string{"first", "second"} {
		for _, q := range set.list {
			if err := CopyQuestion(q, section)(draft); err != nil {
				t.Fatal(err)
			}
		}
	}
	source, err := ExportYAML(draft)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("own.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range set.list {
		first, ok := again.Question(q.ID)
		second, also := again.Question(q.ID + "_2")
		if !ok || !also {
			t.Fatalf("%s is not there twice", q.ID)
		}
		if len(first.Checks) != len(q.Checks) || len(second.Checks) != len(q.Checks) || len(second.Choices) != len(q.Choices) {
			t.Errorf("%s lost something", q.ID)
		}
		for m := uint32(1); m < 1<<len(q.Choices); m++ {
			want, _ := q.scoreBits(m, 0)
			a, _ := first.scoreBits(m, 0)
			if b, _ := second.scoreBits(m, 0); a != want || b != want {
				t.Fatalf("%s scores %s and %s, not %s", q.ID, a, b, want)
			}
		}
	}
	if id := freeCopyID(strings.Repeat("x", 64), nil); len(id) > 61 {
		t.Errorf("%s leaves no room for its none-of-these choice", id)
	}
}

func shippedFile(t testing.TB, name string) []byte {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "questionnaires", name))
	if err != nil {
		t.Fatal(err)
	}
	return source
}
