package questionnaire

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The generators below make questionnaires in our own format with every key, texts of
// every kind, weights or written rules.

func identifiers() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9_]{3,20}`) }

// texts generates texts that are not blank and hold no control character but line breaks.
func texts(most int) *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z][a-z ,.?]{0,40}[a-z]`),
		rapid.SampledFrom([]string{"yes", "null", "~", "1.0", "0x1F", "2024-11-06", "true", "- a", "a: b", "#x", "'", `"`, "*a", "&a", "!a", "%", "@", "`", "|", ">", "{a", "[a",
			"a\nb", "a\n\nb", "a \nb", "a\n b", " a", "a ", "a\n", "\na", "\ta\tb", "é€😀", "a\u2028b", "\uFEFFx", "<<", "=", "?", "a #b", "...", "---", "12:30:45", "1_000", "\u200b x"}),
		rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r > ' ' && (r < 0x7f || r > 0x9f) }), 1, most, -1),
	).Filter(func(s string) bool { return strings.TrimSpace(s) != "" && len([]rune(s)) <= most })
}

// titles generates texts that AWS takes as titles when plain, and any texts otherwise.
func titles(plain bool, most int) *rapid.Generator[string] {
	if !plain {
		return texts(most)
	}
	return rapid.Map(texts(most), func(s string) string {
		return strings.Map(func(r rune) rune {
			if _, bad := forbidden(string(r)); bad {
				return '-'
			}
			return r
		}, s)
	})
}

// maybe generates the empty text now and then.
func maybe(g *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), g)
}

func addresses() *rapid.Generator[string] {
	return rapid.StringMatching(`https?://[a-z]{1,10}\.example/[a-z0-9/#?=&%-]{0,10}`)
}

func anyLinks() *rapid.Generator[[]Link] {
	return few(rapid.Custom(func(t *rapid.T) Link { return Link{texts(maxText).Draw(t, "text"), addresses().Draw(t, "url")} }), 3)
}

// few generates up to n values, nil when there are none.
func few[T any](g *rapid.Generator[T], n int) *rapid.Generator[[]T] {
	return rapid.Map(rapid.SliceOfN(g, 0, n), func(s []T) []T {
		if len(s) == 0 {
			return nil
		}
		return s
	})
}

func resources() *rapid.Generator[*Link] {
	return rapid.Custom(func(t *rapid.T) *Link {
		if rapid.Bool().Draw(t, "absent") {
			return nil
		}
		return &Link{texts(maxText).Draw(t, "text"), maybe(addresses()).Draw(t, "url")}
	})
}

func anyChoices(plain, weights bool) *rapid.Generator[[]Choice] {
	one := rapid.Custom(func(t *rapid.T) Choice {
		c := Choice{
			ID: identifiers().Draw(t, "id"), Title: titles(plain, maxTitle).Draw(t, "title"), Why: maybe(texts(900)).Draw(t, "why"), Good: maybe(texts(900)).Draw(t, "good"),
			FirstStep: Step{texts(maxText).Draw(t, "step"), maybe(addresses()).Draw(t, "url")},
			Risk:      rapid.SampledFrom([]string{"", "high", "medium", "low"}).Draw(t, "risk"), WAToolID: maybe(identifiers()).Draw(t, "tool id"),
			Lineage: few(identifiers(), 2).Draw(t, "lineage"), Links: anyLinks().Draw(t, "links"), HelpfulResource: resources().Draw(t, "help"),
		}
		if content := anyLinks().Draw(t, "additional"); content != nil {
			c.Additional = []Additional{{Kind: rapid.SampledFrom([]string{"helpful_resource", "improvement_plan"}).Draw(t, "kind"), Content: content}}
		}
		c.None = isNone(c.ID, c.Title)
		if weights && !c.None {
			c.Weight = rapid.SampledFrom([]Weight{WeightCore, WeightExtra, WeightScope, WeightAlternative}).Draw(t, "weight")
			if c.Weight == WeightAlternative {
				c.Group = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")
			}
		}
		return c
	})
	return rapid.SliceOfNDistinct(one, 1, 5, func(c Choice) string { return c.ID }).Filter(func(choices []Choice) bool {
		return !weights || hasWeights(choices)
	})
}

func anyChecks(choices []Choice) *rapid.Generator[[]Check] {
	return rapid.Custom(func(t *rapid.T) []Check {
		var out []Check
		for _, id := range rapid.SliceOfNDistinct(identifiers(), 0, 2, rapid.ID).Draw(t, "ids") {
			c := Check{
				ID: id, Choice: rapid.SampledFrom(choices).Draw(t, "choice").ID, Source: rapid.SampledFrom(checkSources).Draw(t, "source"),
				Key: texts(maxTitle).Draw(t, "key"), Expect: rapid.SampledFrom(checkExpects).Draw(t, "expect"), Claim: maybe(texts(maxText)).Draw(t, "claim"),
				Edition: maybe(texts(maxOwnID)).Draw(t, "edition"), Level: rapid.SampledFrom(checkLevels).Draw(t, "level"),
				MaxAge: time.Duration(rapid.Int64Range(1, 1<<50).Draw(t, "age")),
			}
			if c.LooksBack() {
				c.Within = time.Duration(rapid.Int64Range(1, 5000).Draw(t, "within")) * time.Hour
			}
			out = append(out, c)
		}
		return out
	})
}

func anyQuestion(plain bool) *rapid.Generator[Question] {
	return rapid.Custom(func(t *rapid.T) Question {
		q := Question{
			ID: identifiers().Draw(t, "id"), Title: titles(plain, maxTitle).Draw(t, "title"), Description: maybe(titles(plain, maxText)).Draw(t, "description"),
			Why: maybe(texts(900)).Draw(t, "why"), Good: maybe(texts(900)).Draw(t, "good"), NotApplicableWhen: maybe(texts(maxText)).Draw(t, "na"),
			Bring: few(texts(maxText), 2).Draw(t, "bring"), CorePath: rapid.Bool().Draw(t, "core path"), MaxRisk: RiskHigh,
			Phase: rapid.SampledFrom([]Phase{"", PhaseDesign, PhaseBuild, PhaseLaunch}).Draw(t, "phase"),
			Tiers: few(rapid.IntRange(1, 3), 1).Draw(t, "tiers"), Tags: few(texts(maxOwnID), 2).Draw(t, "tags"), Lineage: few(identifiers(), 2).Draw(t, "lineage"),
			Links: anyLinks().Draw(t, "links"), HelpfulResource: resources().Draw(t, "help"), Weighted: rapid.Bool().Draw(t, "weighted"),
		}
		q.Choices = anyChoices(plain, q.Weighted || rapid.Bool().Draw(t, "weights beside rules")).Draw(t, "choices")
		if hasWeights(q.Choices) && !slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.None }) {
			q.Choices = append(q.Choices, newNone(&q))
		}
		q.Checks = anyChecks(q.Choices).Draw(t, "checks")
		if q.Weighted {
			q.MaxRisk = rapid.SampledFrom([]Risk{RiskHigh, RiskMedium}).Draw(t, "worst")
			q.Rules = generateRules(q.Choices, q.MaxRisk)
			return q
		}
		ids := rapid.SliceOfN(rapid.SampledFrom(choiceIDs(&q)), 1, 4).Draw(t, "in the condition")
		q.Rules = []Rule{{Condition: strings.Join(ids, rapid.SampledFrom([]string{" && ", "||", " && !"}).Draw(t, "sign")), Risk: RiskNone}, {Condition: "default", Risk: RiskHigh}}
		return q
	})
}

func questionnaires(plain bool) *rapid.Generator[*Questionnaire] {
	return rapid.Custom(func(t *rapid.T) *Questionnaire {
		q := &Questionnaire{
			Format: FormatYAML, Key: rapid.StringMatching(`[a-z0-9-]{2,40}`).Draw(t, "key"), Name: titles(plain, maxTitle).Draw(t, "name"),
			Version: rapid.StringMatching(`[1-9][0-9]{0,3}\.0\.[1-9]`).Draw(t, "version"), Description: titles(plain, maxText).Draw(t, "description"),
			Edition: maybe(texts(maxOwnID)).Draw(t, "edition"), Minutes: rapid.IntRange(0, 10_000).Draw(t, "minutes"),
		}
		questions := rapid.SliceOfNDistinct(anyQuestion(plain), 1, 3, func(q Question) string { return q.ID }).Draw(t, "questions")
		for _, id := range rapid.SliceOfNDistinct(identifiers(), 1, 2, rapid.ID).Draw(t, "sections") {
			s := Section{ID: id, Name: titles(plain, maxTitle).Draw(t, "name"), Description: maybe(texts(maxText)).Draw(t, "description")}
			for _, question := range questions {
				question.Section = id
				s.Questions = append(s.Questions, question)
			}
			q.Sections = append(q.Sections, s)
			if questions = questions[:0]; len(questions) == 0 {
				break
			}
		}
		return q
	})
}

// TestYAMLOutAndIn writes generated questionnaires and reads them back.
func TestYAMLOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := questionnaires(false).Draw(t, "questionnaire")
		data, err := ExportYAML(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse("x.yaml", data)
		if err != nil {
			t.Fatalf("%s\n%v", data, err)
		}
		if diff := cmp.Diff(want, got, unexported); diff != "" {
			t.Fatalf("%s\n%s", data, diff)
		}
		again, err := ExportYAML(got)
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("written twice it differs: %v\n%s\n%s", err, data, again)
		}
	})
}

// TestAWSOutAndIn writes generated questionnaires as lenses and reads them back: all that
// the format has a place for is kept, and every selection scores the same.
func TestAWSOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own, err := ExportYAML(questionnaires(true).Draw(t, "questionnaire"))
		if err != nil {
			t.Fatal(err)
		}
		want := mustParse(t, "x.yaml", string(own))
		lens, _, err := ExportAWS(want)
		if err != nil {
			t.Fatal(err)
		}
		got := mustParse(t, "x.json", string(lens))
		if diff := cmp.Diff(lensView(want), lensView(got), unexported); diff != "" {
			t.Fatalf("%s\n%s", lens, diff)
		}
		again, loss, err := ExportAWS(got)
		if err != nil || len(loss) > 0 || !bytes.Equal(lens, again) {
			t.Fatalf("written twice it differs: %v %v", err, loss)
		}
		for _, q := range want.Questions() {
			other, _ := got.Question(q.ID)
			for m := range uint32(1) << len(q.Choices) {
				s := Selection{Chosen: q.ids(m)}
				if q.Score(s) != other.Score(s) {
					t.Fatalf("%s with %v scores %s and then %s", q.ID, s.Chosen, q.Score(s), other.Score(s))
				}
			}
		}
	})
}

// lensView is what of a questionnaire the AWS format has a place for.
func lensView(q *Questionnaire) *Questionnaire {
	out := &Questionnaire{Name: q.Name, Description: q.Description}
	for _, s := range q.Sections {
		view := Section{ID: s.ID, Name: s.Name}
		for _, question := range s.Questions {
			v := Question{ID: question.ID, Section: s.ID, Title: question.Title, Description: question.Description, MaxRisk: question.MaxRisk, Rules: question.Rules}
			for _, c := range question.Choices {
				v.Choices = append(v.Choices, Choice{ID: c.ID, Title: c.Title, FirstStep: c.FirstStep, None: c.None})
			}
			view.Questions = append(view.Questions, v)
		}
		out.Sections = append(out.Sections, view)
	}
	return out
}

func TestExportAWSUnedited(t *testing.T) {
	odd := strings.Replace(sampleLens, `"name"`, `"_note": {"b": 1, "a": [2]}, "name"`, 1)
	odd = strings.ReplaceAll(odd, "\n", "\r\n") + "   "
	for _, source := range []string{sampleLens, odd, strings.ReplaceAll(odd, "Restores are timed", "Restores; are <timed>")} {
		got, loss, err := ExportAWS(mustParse(t, "x.json", source))
		if err != nil || len(loss) > 0 || string(got) != source {
			t.Errorf("an unedited lens comes out as\n%s\n%v %v", got, loss, err)
		}
	}
}

func TestExportAWSEdited(t *testing.T) {
	source := strings.Replace(sampleLens, `"name": "Sample lens",`, `"_note": 1, "name": "Sample lens",`, 1)
	q := mustParse(t, "x.json", source)
	q.Sections[0].Questions[0].Title = "How do you know that a restore works?"
	got, loss, err := ExportAWS(q)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(sampleLens, "know a restore", "know that a restore", 1)
	if diff := cmp.Diff(compact(t, want), compact(t, string(got))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"_note unknown-key"}, findings(loss)); diff != "" {
		t.Error(diff)
	}
}

// compact is JSON without white space, its keys in the order they have.
func compact(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(data)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportAWSOwn(t *testing.T) {
	q := mustParse(t, "x.yaml", strings.Replace(fullYAML, "first_step: {text: Write it., ", `first_step: {text: "Write <it>.", `, 1))
	_, _, err := ExportAWS(q)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("choices without a first step are refused by AWS: %v", err)
	}
	want := []string{}
	for _, i := range []string{"[0].questions[0].choices[2]", "[0].questions[0].choices[3]", "[0].questions[0].choices[4]", "[0].questions[1].choices[0]"} {
		want = append(want, "pillars"+i+".improvementPlan no-improvement-plan")
	}
	if diff := cmp.Diff(want, findings(problems)); diff != "" {
		t.Error(diff)
	}
	for i := range q.Sections[0].Questions {
		for j := range q.Sections[0].Questions[i].Choices {
			if c := &q.Sections[0].Questions[i].Choices[j]; c.FirstStep.Text == "" && !c.None && c.Weight != WeightScope {
				c.FirstStep.Text = "Do it."
			}
		}
	}
	lens, loss, err := ExportAWS(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{
		`"displayText": "Write <it>."`, `"displayText": "It breaks. Line one.\nLine two."`, `"displayText": "Why. Good."`, `"url": "http://example.com/c"`,
		noStep, `"id": "failure_model_no"`, `"risk": "NO_RISK"`, `"risk": "MEDIUM_RISK"`, `"risk": "HIGH_RISK"`,
	} {
		if !bytes.Contains(lens, []byte(piece)) {
			t.Errorf("the lens has no %s:\n%s", piece, lens)
		}
	}
	for _, piece := range []string{"CloudTrail.1", "weight", "core_path", "_bp"} {
		if bytes.Contains(lens, []byte(piece)) {
			t.Errorf("the lens has %s", piece)
		}
	}
	const q0 = "sections[0].questions[0]"
	lost := findings(loss)
	for _, path := range []string{"", "sections[0].description", q0 + ".phase", q0 + ".core_path", q0 + ".bring", q0 + ".not_applicable_when", q0 + ".tiers",
		q0 + ".tags", q0 + ".lineage", q0 + ".checks", q0 + ".choices[1].weight", q0 + ".choices[1].risk", q0 + ".choices[1].wa_tool_id", q0 + ".choices[1].lineage"} {
		if !slices.Contains(lost, path+" not-in-format") {
			t.Errorf("the loss of %q is not listed: %v", path, loss)
		}
	}
}

func TestExportAWSRefuses(t *testing.T) {
	refused := func(edit func(*Questionnaire), want ...string) {
		t.Helper()
		q := mustParse(t, "x.json", sampleLens)
		edit(q)
		lens, _, err := ExportAWS(q)
		var problems Problems
		if !errors.As(err, &problems) || lens != nil {
			t.Errorf("not refused: %v", err)
			return
		}
		if diff := cmp.Diff(want, findings(problems)); diff != "" {
			t.Error(diff)
		}
	}
	question := func(q *Questionnaire) *Question { return &q.Sections[0].Questions[0] }
	refused(func(q *Questionnaire) { q.Name = "50%" }, "name charset")
	refused(func(q *Questionnaire) { question(q).Title = strings.Repeat("t", 129) }, "pillars[0].questions[0].title too-long")
	refused(func(q *Questionnaire) { question(q).Rules[0].Condition = "drill && gone" }, "pillars[0].questions[0].riskRules[0].condition unknown-choice")
	refused(func(q *Questionnaire) { q.Description = "" }, "description no-description")
	refused(func(q *Questionnaire) { q.Sections = nil }, "pillars missing")
	refused(func(q *Questionnaire) { question(q).Rules[0].Risk = RiskMedium }, "pillars[0].questions[0].riskRules[1] duplicate-level")
	refused(func(q *Questionnaire) {
		for range 20 {
			q.Sections[0].Questions = append(q.Sections[0].Questions, q.Sections[0].Questions[0])
			last := len(q.Sections[0].Questions) - 1
			q.Sections[0].Questions[last].ID = strings.Repeat("q", last+3)
		}
	}, "pillars[0].questions too-many")
}

func TestExportYAMLOfALens(t *testing.T) {
	q := mustParse(t, "sample.json", sampleLens)
	own, err := ExportYAML(q)
	if err != nil {
		t.Fatal(err)
	}
	again := mustParse(t, "sample.yaml", string(own))
	again.Format = FormatAWS
	if diff := cmp.Diff(q, again, unexported); diff != "" {
		t.Errorf("%s\n%s", own, diff)
	}
	long := mustParse(t, "x.json", strings.ReplaceAll(sampleLens, "timed", strings.Repeat("t", 65)))
	var problems Problems
	if _, err := ExportYAML(long); !errors.As(err, &problems) || problems[0].Code != "bad-id" {
		t.Errorf("an id that is too long for us: %v", err)
	}
}

// TestExportAWSLongTexts checks that why and good, which share one text of the format,
// do not overflow it, and that the loss is listed.
func TestExportAWSLongTexts(t *testing.T) {
	long := strings.Repeat("x", 2000)
	q := mustParse(t, "x.yaml", strings.Replace(ownSet, "why: It breaks.", "why: It breaks.\n        good: "+long+long[:40], 1))
	lens, loss, err := ExportAWS(q)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lens, []byte(long)) || !bytes.Contains(lens, []byte(`"displayText": "It breaks."`)) {
		t.Errorf("the text is not cut back to why:\n%s", lens)
	}
	if !slices.Contains(findings(loss), "sections[0].questions[0].why not-in-format") {
		t.Errorf("the loss is not listed: %v", loss)
	}
}

func TestShortDuration(t *testing.T) {
	for text, want := range map[string]string{"30h": "30h", "90m": "1h30m", "10m": "10m", "20h0m5s": "20h0m5s", "45s": "45s", "1h0m0.5s": "1h0m0.5s", "10h": "10h"} {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := shortDuration(d); got != want {
			t.Errorf("%s is written as %s, want %s", text, got, want)
		}
	}
}
