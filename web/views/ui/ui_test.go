package ui_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"orrery/web/static"
	"orrery/web/views/ui"
)

// render gives the HTML of a component.
func render(t testing.TB, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wants(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("want %s in\n%s", part, got)
		}
	}
}

func wantsNone(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(got, part) {
			t.Errorf("want no %s in\n%s", part, got)
		}
	}
}

// Whatever text a component is given, it stays text, and no address runs code.
func TestTextStaysText(t *testing.T) {
	const evil, bad = `<img src=x onerror=alert(1)>"'&`, "javascript:alert(1)"
	link := ui.Link{Text: evil, Href: bad}
	errors := ui.FieldErrors{{Name: evil, Message: evil}, {Message: evil}}
	field := ui.Field{Name: evil, Label: evil, Value: evil, Hint: evil, Error: evil, Type: evil, Autocomplete: evil, InputMode: evil, Width: evil, Attrs: templ.Attributes{"data-x": evil}}
	choice := ui.Choice{Name: evil, Label: evil, Hint: evil, Error: evil, Options: []ui.Option{{Value: evil, Text: evil, Hint: evil}}}
	page := ui.Page{Title: evil, Org: evil, Home: bad, Nav: []ui.NavItem{{Text: evil, Href: bad}}, Crumbs: []ui.Link{link, link}, Person: &ui.PersonRef{Name: evil, Href: bad},
		SignOut: bad, Search: bad, Query: evil, Help: bad, Notice: evil, Errors: errors, Theme: evil, Footer: []ui.Link{link}}
	for name, c := range map[string]templ.Component{
		"Layout": ui.Layout(page), "Plain": ui.Plain(page), "Crumbs": ui.Crumbs(page.Crumbs), "ErrorSummary": ui.ErrorSummary(errors),
		"Problem": ui.Problem(ui.ProblemProps{Status: 500, Title: evil, Text: evil, Mend: evil, RequestID: evil, Action: link}),
		"Text":    ui.Text(field), "TextArea": ui.TextArea(field), "DateInput": ui.DateInput(field), "FileInput": ui.FileInput(field),
		"Select": ui.Select(choice), "Radios": ui.Radios(choice), "Checkboxes": ui.Checkboxes(choice), "Checkbox": ui.Checkbox(evil, evil, evil, true, evil),
		"PostButton": ui.PostButton(bad, evil), "ThemeChoice": ui.ThemeChoice(bad, evil), "Filters": ui.Filters(bad, 1, bad),
		"Status": ui.Status(ui.RiskHigh, evil), "unknown kind": ui.Status(ui.Kind(evil), evil), "RiskStatus": ui.RiskStatus(evil), "VerdictStatus": ui.VerdictStatus(evil), "DecisionStatus": ui.DecisionStatus(evil),
		"Tag": ui.Tag(evil), "Head": ui.Head(evil, evil), "Panel": ui.Panel(ui.PanelProps{ID: evil, Title: evil, Meta: evil, More: link}), "Note": ui.Note(ui.NoteKind(evil)), "EmptyState": ui.EmptyState(evil, evil, link),
		"Counts": ui.Counts(evil, []ui.Count{{Text: evil, Hint: evil, Href: bad}, {Text: evil}}), "Tabs": ui.Tabs(evil, []ui.Tab{{Text: evil, Href: bad}}), "Views": ui.Views(evil, []ui.Tab{{Text: evil, Href: bad}}),
		"Pager": ui.Pager(ui.PagerProps{Text: evil, Newer: bad, Older: bad}), "DefinitionList": ui.DefinitionList([]ui.Definition{{Term: evil, Text: evil}}), "Facts": ui.Facts([]ui.Definition{{Term: evil, Text: evil}}),
		"Ladder": ui.Ladder([]ui.Rung{{Risk: evil, Text: evil}}), "CopyBox": ui.CopyBox(evil, evil, evil), "Table": ui.Table(ui.TableProps{Caption: evil, Columns: []ui.Column{{Text: evil, Href: bad, Sort: evil}}}),
		"Cell": ui.Cell(evil), "Num": ui.Num(evil, 1, ui.RiskHigh), "zero": ui.Num(evil, 0, ""), "GroupRow": ui.GroupRow(2, evil), "Pick": ui.Pick(evil, evil, evil), "Orbits": ui.Orbits([]ui.Orbit{{Name: evil, Total: 1}}),
		"WorkList": ui.WorkList([]ui.WorkItem{{Title: evil, Href: bad, Meta: evil}, {Title: evil}}), "SaveState": ui.SaveState(ui.SaveStateKind(evil), evil), "Versus": ui.Versus(ui.Side{Title: evil, Meta: evil, Text: evil}, ui.Side{}),
		"Answers": ui.Answers([]ui.AnswerLine{{Question: evil, Href: bad, Answer: []string{evil}, Note: evil, Change: bad}}), "Progress": ui.Progress(evil, 1, 2),
	} {
		t.Run(name, func(t *testing.T) {
			wantsNone(t, render(t, c), "<img", `="javascript:`, `"'&"`, `x onerror=alert(1)>"`)
		})
	}
}

var (
	idPattern        = regexp.MustCompile(` id="([^"]*)"`)
	referencePattern = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby)="([^"]*)"`)
	inlinePattern    = regexp.MustCompile(`(?i) style="|<style| on[a-z]+="|<script(?:[^>]*)>[^<]|javascript:`)
	controlPattern   = regexp.MustCompile(`<(?:input|select|textarea)[^>]*>`)
)

// Labels, hints and errors of every gallery page point at something, ids are
// used once, and nothing is written inline.
func TestGalleryIsWiredAndHasNothingInline(t *testing.T) {
	for name, c := range gallery() {
		out := render(t, c)
		ids := map[string]bool{}
		for _, m := range idPattern.FindAllStringSubmatch(out, -1) {
			if ids[m[1]] || m[1] == "" {
				t.Errorf("%s: id %q stands twice or is empty", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range referencePattern.FindAllStringSubmatch(out, -1) {
			for _, id := range strings.Fields(m[1]) {
				if !ids[id] {
					t.Errorf("%s: %s points at nothing", name, m[0])
				}
			}
		}
		if found := inlinePattern.FindString(out); found != "" {
			t.Errorf("%s: has inline %q", name, found)
		}
		if strings.Count(out, "<h1") != 1 || !strings.Contains(out, `<html lang="en"`) {
			t.Errorf("%s: has no language or not one h1", name)
		}
	}
}

// Each entry of the summary leads to a control that takes the focus and whose
// own error has the same words.
func TestErrorSummaryLeadsToItsFields(t *testing.T) {
	out := render(t, gallery()["form"])
	wants(t, out, `<title>Error: Add a workload - Orrery</title>`, `role="alert"`, `tabindex="-1"`, ">There is a problem</h2>")
	controls := map[string]string{}
	for _, control := range controlPattern.FindAllString(out, -1) {
		if m := idPattern.FindStringSubmatch(control); m != nil {
			controls[m[1]] = control
		}
	}
	for _, one := range formErrors {
		id := ui.FieldID(one.Name)
		wants(t, out, `<a href="#`+id+`">`+one.Message+`</a>`, `<p class="error" id="`+id+`-error">`)
		if _, ok := controls[id]; !ok {
			t.Errorf("the error of %s leads to no control", one.Name)
		}
		if strings.Count(out, one.Message) != 2 {
			t.Errorf("%q stands %d times, want it in the summary and beside its field", one.Message, strings.Count(out, one.Message))
		}
	}
	clean := render(t, ui.Layout(ui.Page{Title: "Items"}))
	wants(t, clean, "<title>Items - Orrery</title>")
	wantsNone(t, clean, "There is a problem", "Error:")
}

func TestFieldTellsItsHintAndError(t *testing.T) {
	both := render(t, ui.Text(ui.Field{Name: "key", Label: "Key", Hint: "Small letters", Error: "Taken", Autocomplete: "off"}))
	wants(t, both, `<label class="lbl" for="f-key">Key`, `id="f-key"`, `name="key"`, `type="text"`, `aria-describedby="f-key-hint f-key-error"`, `aria-invalid="true"`, `autocomplete="off"`, `<p class="hint" id="f-key-hint">Small letters</p>`)
	bare := render(t, ui.Text(ui.Field{Name: "key", Label: "Key", Optional: true, HideLabel: true}))
	wants(t, bare, `class="vh"`, "(optional)")
	wantsNone(t, bare, "aria-describedby", "aria-invalid", "autocomplete", "maxlength", "required")
	secret := render(t, ui.Text(ui.Field{Name: "p", Label: "Password", Type: "password", Autocomplete: "current-password"}))
	wants(t, secret, `type="password"`, `autocomplete="current-password"`, `spellcheck="false"`)
	radios := render(t, ui.Radios(ui.Choice{Name: "tier", Label: "Tier", Error: "Choose", Options: []ui.Option{{Value: "1", Text: "One"}, {Value: "2", Text: "Two", Selected: true}}}))
	wants(t, radios, `<fieldset`, `role="radiogroup"`, `aria-invalid="true"`, `aria-describedby="f-tier-error"`, `<legend`, `id="f-tier"`, `id="f-tier--2"`, `value="2" checked`)
	wantsNone(t, radios, `value="1" checked`)
}

// A text keeps its first empty line: HTML drops one line break after <textarea>.
func TestTextAreaKeepsItsText(t *testing.T) {
	wants(t, render(t, ui.TextArea(ui.Field{Name: "n", Label: "Notes", Value: "\na\n</textarea>b", Rows: 2})), "rows=\"2\"", ">\n\na\n&lt;/textarea&gt;b</textarea>")
}

func TestFieldID(t *testing.T) {
	for name, want := range map[string]string{"key": "f-key", "choice[0].why": "f-choice-0--why", `a"b c`: "f-a-b-c", "OPS07_BP02": "f-OPS07_BP02"} {
		if got := ui.FieldID(name); got != want {
			t.Errorf("FieldID(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSelectedLeavesItsInputAlone(t *testing.T) {
	in := []ui.Option{{Value: "a", Selected: true}, {Value: "b"}, {Value: "c"}}
	out := ui.Selected(in, "b", "c")
	if out[0].Selected || !out[1].Selected || !out[2].Selected || !in[0].Selected || in[1].Selected {
		t.Errorf("Selected gave %v and left %v", out, in)
	}
}

func TestLayoutShowsOnlyWhatItIsGiven(t *testing.T) {
	bare := render(t, ui.Layout(ui.Page{Title: "T"}))
	wants(t, bare, `<!doctype html>`, `href="`+static.Path("orrery.css")+`"`, `src="`+static.Path("htmx.js")+`" defer`, `href="#main"`, `id="main"`, "Orrery. All times are UTC.", `name="htmx-config"`)
	wantsNone(t, bare, "<nav", "Sample data", "Sign out", `role="search"`, "data-theme", "http-equiv", "Help")
	full := render(t, ui.Layout(ui.Page{Title: "T", Org: "Acme", Nav: nav("Items"), Person: person(), Sample: true, Refresh: 5, Theme: "dark", Search: "/search", Query: "a<b", Help: "/help"}))
	wants(t, full, `<html lang="en" data-theme="dark">`, "Sample data", `<noscript><meta http-equiv="refresh" content="5"></noscript>`, "Orrery at Acme. All times are UTC.",
		`<a href="/It" aria-current="page">Items</a>`, `<form method="post" action="/sign-out">`, `href="/account"`, `value="a&lt;b"`)
	if strings.Count(full, "aria-current") != 1 {
		t.Error("not exactly one entry is current")
	}
}

func TestTheme(t *testing.T) {
	for value, want := range map[string]string{"light": "light", "dark": "dark", "": "", "system": "", `dark" x="`: ""} {
		if got := ui.Theme(value); got != want {
			t.Errorf("Theme(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestStatusHasShapeAndWord(t *testing.T) {
	wants(t, render(t, ui.RiskStatus("unmatched")), `class="st high"`, "#ask", "counts as high")
	wants(t, render(t, ui.RiskStatus("none")), `class="st quiet"`, "#none", ">No risk found<")
	wants(t, render(t, ui.VerdictStatus("cannot_tell")), `class="st quiet"`, "#cannot", ">Cannot tell<")
	wants(t, render(t, ui.DecisionStatus("")), "#unanswered", ">No decision yet<")
	unknown := render(t, ui.RiskStatus("severe"))
	wants(t, unknown, ">severe<")
	wantsNone(t, unknown, "<svg", "good", "quiet")
	if got := ui.RiskWord("not_applicable"); got != "Not applicable" {
		t.Errorf("RiskWord = %q", got)
	}
}

// The sprite and the names the package knows are the same set.
func TestIconsAreDrawn(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "static", "files", "icons.svg"))
	if err != nil {
		t.Fatal(err)
	}
	drawn := regexp.MustCompile(`<symbol id="([a-z]+)"`).FindAllStringSubmatch(string(data), -1)
	if len(drawn) < 40 {
		t.Errorf("the sprite has %d icons", len(drawn))
	}
	for _, m := range drawn {
		wants(t, render(t, ui.Icon(m[1])), `href="`+static.Path("icons.svg")+"#"+m[1]+`"`, `aria-hidden="true"`)
	}
	if len(drawn) != ui.IconCount {
		t.Errorf("the package knows %d icons, the sprite has %d", ui.IconCount, len(drawn))
	}
	var b strings.Builder
	if err := ui.Icon("nothing").Render(t.Context(), &b); err == nil {
		t.Error("an icon that does not exist was rendered")
	}
}

func TestTimes(t *testing.T) {
	helsinki := time.FixedZone("EET", 2*3600)
	moment := time.Date(2026, 11, 2, 12, 5, 9, 0, helsinki)
	if got, want := render(t, ui.Time(moment)), `<time datetime="2026-11-02T10:05:09Z">2 Nov 2026, 10:05</time>`; got != want {
		t.Errorf("Time = %s, want %s", got, want)
	}
	if got, want := render(t, ui.Date(time.Date(2026, 11, 2, 1, 0, 0, 0, helsinki))), `<time datetime="2026-11-01">1 Nov 2026</time>`; got != want {
		t.Errorf("Date = %s, want %s", got, want)
	}
	wants(t, render(t, ui.Time(time.Time{})), ">none<")
	for d, want := range map[time.Duration]string{0: "under a minute old", 59 * time.Second: "under a minute old", time.Minute: "1 min old", 59 * time.Minute: "59 min old",
		time.Hour: "1 h old", 41 * time.Hour: "41 h old", 48 * time.Hour: "2 days old", 19 * 24 * time.Hour: "19 days old", -3 * time.Hour: "3 h old"} {
		if got := ui.Age(d); got != want {
			t.Errorf("Age(%v) = %q, want %q", d, got, want)
		}
	}
	at := time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
	for days, want := range map[int]string{0: "today", 1: "tomorrow", 3: "in 3 days", -1: "1 day late", -3: "3 days late"} {
		if got := ui.Until(time.Date(2026, 11, 21+days, 0, 0, 0, 0, time.UTC), at); got != want {
			t.Errorf("Until(%d days) = %q, want %q", days, got, want)
		}
	}
}

func TestOrbitsDrawWhatIsTrue(t *testing.T) {
	out := render(t, ui.Orbits(sections))
	wants(t, out, `role="img"`, "<title>53 of 76 questions answered in 8 sections; 3 hold a high.</title>", ">53</text>", ">of 76</text>")
	if got := strings.Count(out, `class="w"`); got != 3 {
		t.Errorf("%d triangles, want one per section with a high", got)
	}
	if got := strings.Count(out, `class="o"`); got != 8 {
		t.Errorf("%d orbits, want 8", got)
	}
	// nothing asked, more answered than asked, many sections: still a picture
	many := make([]ui.Orbit, 30)
	many[0] = ui.Orbit{Answered: 9, Total: 3}
	for _, o := range [][]ui.Orbit{nil, {{}}, {{Total: 0, High: 1}}, many} {
		wantsNone(t, render(t, ui.Orbits(o)), "NaN", "Inf", `r="-`, `r="0.0`)
	}
	wants(t, render(t, ui.Orbits(nil)), "none holds a high")
}

func TestBarStaysWithin(t *testing.T) {
	wants(t, render(t, ui.Bar(8, 11)), `viewBox="0 0 11 1"`, `width="8"`, `aria-hidden="true"`)
	wants(t, render(t, ui.Bar(5, 0)), `viewBox="0 0 1 1"`)
	wants(t, render(t, ui.Bar(-1, 3)), `width="0"`)
	wants(t, render(t, ui.Bar(9, 3)), `width="3"`)
}

// A table that turns into paragraphs keeps its meaning by roles.
func TestTableKeepsItsRoles(t *testing.T) {
	out := render(t, gallery()["list"])
	for part, role := range map[string]string{"<table": "table", "<tr": "row", "<td": "cell", "<thead": "rowgroup", "<tbody": "rowgroup"} {
		for _, tag := range regexp.MustCompile(part+`[^>]*>`).FindAllString(out, -1) {
			if !strings.Contains(tag, `role="`+role+`"`) {
				t.Errorf("%s has no role %s", tag, role)
			}
		}
	}
	wants(t, out, `aria-sort="ascending"`, `data-l="Tier"`, `<caption class="vh">Workloads by tier</caption>`)
	wants(t, render(t, ui.Num("High", 0, ui.RiskHigh)), `class="n none"`, `<span class="zero">0</span>`)
	wants(t, render(t, ui.Table(ui.TableProps{Caption: "Short", ShowCaption: true, Fixed: true})), `class="tbl"`)
}

func TestFiltersAreOpenWhileTheyFilter(t *testing.T) {
	wants(t, render(t, ui.Filters("/items", 2, "/items")), `<details class="filters" open>`, "Filters, 2 in use", `method="get"`, ">Clear</a>")
	wantsNone(t, render(t, ui.Filters("/items", 0, "/items")), " open", "Clear")
}

func TestPagerIsNothingWithoutPages(t *testing.T) {
	if got := render(t, ui.Pager(ui.PagerProps{})); got != "" {
		t.Errorf("Pager = %s", got)
	}
	last := render(t, ui.Pager(ui.PagerProps{Text: "1 to 3", Newer: "/a?after=1"}))
	wants(t, last, `rel="prev"`)
	wantsNone(t, last, `rel="next"`)
}

func BenchmarkListOf100(b *testing.B) {
	page := gallery()["list"]
	row := with(ui.Row(), ui.Pick("w", "k", "Select"), with(ui.RowHead(), ui.Tag("core")), ui.Num("Tier", 1, ""), with(ui.Cell(""), ui.DecisionStatus("go")), ui.Num("High", 3, ui.RiskHigh), with(ui.Cell("Read"), ui.Time(now)))
	rows := make([]templ.Component, 100)
	for i := range rows {
		rows[i] = row
	}
	table := with(ui.Table(ui.TableProps{Caption: "All"}), rows...)
	b.ReportAllocs()
	for b.Loop() {
		var out strings.Builder
		if err := page.Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
		if err := table.Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatus(b *testing.B) {
	var out strings.Builder
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := ui.RiskStatus("high").Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
}
