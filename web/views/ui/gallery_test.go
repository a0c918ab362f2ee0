package ui_test

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"orrery/web/views/ui"
)

var now = time.Date(2026, 11, 21, 14, 32, 0, 0, time.UTC)

// html is text that is already markup; only tests write it by hand.
func html(s string) templ.Component { return templ.Raw(s) }

// with gives a component its children.
func with(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

func person() *ui.PersonRef { return &ui.PersonRef{Name: "Asha Rao", Href: "/account"} }

func nav(current string) []ui.NavItem {
	var out []ui.NavItem
	for _, text := range []string{"My work", "Workloads", "Reviews", "Items", "Incidents", "Questionnaires", "Dashboard"} {
		out = append(out, ui.NavItem{Text: text, Href: "/" + text[:2], Current: text == current})
	}
	return out
}

func framed(title, current string) ui.Page {
	return ui.Page{
		Title: title, Org: "Acme", Nav: nav(current), Person: person(), Search: "/search", Help: "/help", Sample: true,
		Crumbs: []ui.Link{{Text: "Workloads", Href: "/workloads"}, {Text: "Payments", Href: "/workloads/payments"}, {Text: title}},
		Footer: []ui.Link{{Text: "Keyboard shortcuts", Href: "/k"}, {Text: "Accessibility", Href: "/a"}, {Text: "API", Href: "/api"}},
	}
}

// gallery is every component in use, on pages like those of the product.
func gallery() map[string]templ.Component {
	return map[string]templ.Component{
		"statuses": with(ui.Layout(framed("Statuses", "Reviews")), statuses()),
		"form":     with(ui.Layout(formPage()), form()),
		"review":   with(ui.Layout(framed("New service review", "Reviews")), review()),
		"list":     with(ui.Layout(framed("Workloads", "Workloads")), list()),
		"saving":   with(ui.Layout(framed("Two people changed this answer", "Reviews")), saving()),
		"settings": with(ui.Layout(framed("Your account", "")), settings()),
		"signin":   with(ui.Plain(ui.Page{Title: "Sign in", Org: "Acme", Footer: framed("", "").Footer}), signIn(nil)),
		"refused": with(ui.Plain(ui.Page{Title: "Sign in", Org: "Acme", Theme: "dark",
			Errors: ui.FieldErrors{{Name: "password", Message: "The name and the password do not belong together"}}}),
			signIn(ui.FieldErrors{{Name: "password", Message: "The name and the password do not belong together"}})),
		"problem": with(ui.Layout(framed("This page does not exist", "")), ui.Problem(ui.ProblemProps{Status: 404,
			Title: "This page does not exist", Text: "The address may be mistyped, or the thing is not yours to see.",
			Mend: "Ask the person who sent the link, or start from your work.", RequestID: "01JD7Z6Q3M5N8K", Action: ui.Link{Text: "Go to my work", Href: "/"}})),
	}
}

// stack puts components under each other.
func stack(children ...templ.Component) templ.Component {
	all := append([]templ.Component{html(`<div class="stack">`)}, children...)
	return templ.Join(append(all, html(`</div>`))...)
}

func statuses() templ.Component {
	cells := []templ.Component{html(`<div class="halves"><ul class="list">`)}
	item := func(c templ.Component) { cells = append(cells, html(`<li>`), c, html(`</li>`)) }
	for _, risk := range []string{"none", "medium", "high", "unanswered", "not_applicable", "unmatched"} {
		item(ui.RiskStatus(risk))
	}
	for _, verdict := range []string{"supports", "contradicts", "mixed", "cannot_tell", "stale"} {
		item(ui.VerdictStatus(verdict))
	}
	for _, outcome := range []string{"go", "conditional", "no_go", "hold", "emergency", "expired", "none"} {
		item(ui.DecisionStatus(outcome))
	}
	cells = append(cells, html(`</ul><ul class="list">`))
	for _, state := range []struct {
		kind ui.Kind
		word string
	}{
		{ui.StateNotStarted, "Not started"}, {ui.StateProgress, "In progress"}, {ui.StateDone, "Completed"}, {ui.StateVerified, "Verified"},
		{ui.StateProblem, "There is a problem"}, {ui.StateWaiting, "Waiting"}, {ui.StateFrozen, "Submitted, frozen"}, {ui.StateSealed, "Sealed"},
		{ui.StateReturned, "Changes requested"}, {ui.StateCancelled, "Cancelled"}, {ui.StateBusy, "Running"},
	} {
		item(ui.Status(state.kind, state.word))
	}
	for _, name := range []string{"again", "comment", "copy", "down", "edit", "file", "filter", "flag", "info", "left", "right", "chevron", "lesson", "link", "mend", "out", "person", "plus", "search", "check", "cross", "back", "hold", "emergency"} {
		item(templ.Join(html(`<span class="row row-tight">`), ui.Icon(name), html(name+`</span>`)))
	}
	cells = append(cells, html(`</ul></div>`))
	return stack(ui.Head("Statuses", "Each status has its own outline, its word and then its colour."), templ.Join(cells...),
		html(`<p>`), ui.Tag("core"), html(" "), ui.Tag("alternative A"), html(`</p>`),
		with(ui.Note(ui.NoteHigh), html(`<h2>4 things block submission</h2><ul><li><a href="#a">23 required questions are unanswered</a>, most in Dependencies.</li><li>Can you roll back without a person? is high and nobody owns the first step.</li></ul>`)),
		with(ui.Note(ui.NoteMedium), html(`<b>Challenged by Jonas Weber, facilitator.</b> "The last drill restored one table. Is that a restore?"`)),
		with(ui.Note(ui.NoteGood), html("Access works. The role answers as account 4410-2298-7153.")),
		with(ui.Note(ui.NoteInfo), html("You saved answers in this round, so you cannot sign off or decide it.")))
}

var formErrors = ui.FieldErrors{
	{Name: "key", Message: "The key payments is taken; choose another"},
	{Name: "tier", Message: "Choose a tier"},
	{Name: "stage", Message: "Choose a stage"},
	{Name: "risks", Message: "Tick what was read"},
	{Name: "due", Message: "The day is in the past"},
	{Name: "why", Message: "Give a reason"},
	{Name: "agree", Message: "Say that you have read them"},
}

func formPage() ui.Page {
	p := framed("Add a workload", "Workloads")
	p.Errors = formErrors
	p.Notice = "The team Ledger was added."
	return p
}

func form() templ.Component {
	tiers := []ui.Option{{Value: "1", Text: "Tier 1, critical", Hint: "Customers cannot pay within minutes of a failure."}, {Value: "2", Text: "Tier 2", Hint: "Work stops within a day."}, {Value: "3", Text: "Tier 3"}}
	return templ.Join(ui.Head("Add a workload", "A system under review. It takes about two minutes."),
		html(`<form method="post" action="/workloads" novalidate data-guard>`),
		ui.Text(ui.Field{Name: "name", Label: "Name", Value: `Payments "core" <b>`, Autocomplete: "off"}),
		ui.Text(ui.Field{Name: "key", Label: "Key", Value: "payments", Width: "medium", Hint: "Small letters, digits and hyphens. It stands in addresses and in the gate, so it stays.", Error: formErrors.For("key")}),
		ui.Radios(ui.Choice{Name: "tier", Label: "Tier", Hint: "Lowering it later needs an approver.", Options: tiers, Error: formErrors.For("tier")}),
		ui.Select(ui.Choice{Name: "stage", Label: "Stage", Options: []ui.Option{{Value: "", Text: "Choose"}, {Value: "planned", Text: "Planned"}, {Value: "live", Text: "Live", Selected: true}}, Error: formErrors.For("stage")}),
		ui.Checkboxes(ui.Choice{Name: "risks", Label: "Which of these were read", Inline: true, Options: []ui.Option{{Value: "a", Text: "Alarms"}, {Value: "b", Text: "Backups", Selected: true}, {Value: "c", Text: "Quotas"}}, Error: formErrors.For("risks")}),
		ui.DateInput(ui.Field{Name: "due", Label: "Due", Value: "2026-11-03", Error: formErrors.For("due")}),
		ui.TextArea(ui.Field{Name: "why", Label: "Reason", Hint: "Say where the proof is, not that it exists.", Value: "\nFirst line <script>\nsecond line", Error: formErrors.For("why")}),
		ui.FileInput(ui.Field{Name: "file", Label: "Proof", Optional: true, Hint: "One file of at most 10 MB."}),
		ui.Checkbox("agree", "1", "I have read them and decide knowing it.", false, formErrors.For("agree")),
		html(`<div class="form-end"><button class="btn btn-primary" type="submit">Add the workload</button><a class="btn btn-quiet" href="/workloads">Cancel</a>`),
		ui.SaveState(ui.SaveNone, ""), html(`</div></form>`))
}

var sections = []ui.Orbit{{Name: "Architecture", Answered: 12, Total: 12}, {Name: "Observability", Answered: 9, Total: 9, High: 1}, {Name: "Data and recovery", Answered: 8, Total: 11, High: 1},
	{Name: "Deployment and rollback", Answered: 7, Total: 12, High: 1}, {Name: "Security", Answered: 10, Total: 10}, {Name: "People on call", Answered: 4, Total: 9}, {Name: "Dependencies", Answered: 3, Total: 8}, {Name: "Acme add-on", Total: 5}}

func review() templ.Component {
	rows := make([]templ.Component, 0, len(sections))
	for i, s := range sections {
		kind, word := ui.StateProgress, "In progress"
		switch {
		case s.Answered == 0:
			kind, word = ui.StateNotStarted, "Not started"
		case s.High > 0 && s.Answered == s.Total:
			kind, word = ui.StateProblem, "There is a problem"
		case s.Answered == s.Total:
			kind, word = ui.StateDone, "Completed"
		}
		rows = append(rows, with(ui.Row(),
			with(ui.RowHead(), html(`<a class="t" href="#s">`+s.Name+`</a>`)), with(ui.Cell(""), ui.Status(kind, word)),
			with(ui.Cell(""), html(`<span class="nowrap">`+itoa(s.Answered)+" of "+itoa(s.Total)+`</span>`), ui.Bar(s.Answered, s.Total)),
			ui.Num("High", s.High, ui.RiskHigh), ui.Num("Medium", i%3, ui.RiskMedium), ui.Num("Comments", i%2*4, "")))
	}
	table := ui.Table(ui.TableProps{Caption: "Sections of this review", Columns: []ui.Column{{Text: "Section"}, {Text: "Status"}, {Text: "Answered"},
		{Text: "High", Numeric: true}, {Text: "Medium", Numeric: true}, {Text: "Comments", Numeric: true}}})
	return templ.Join(with(ui.Head("Payments: new service review", ""), html(`<a class="btn" href="#p">`), ui.Icon("file"), html(`PDF</a><a class="btn btn-primary" href="#c">Check answers and submit</a>`)),
		ui.Facts([]ui.Definition{{Term: "Round 2", Body: ui.Status(ui.StateProgress, "Draft")}, {Term: "Subject", Text: "the whole workload"}, {Term: "Tier", Text: "1"},
			{Term: "Meeting", Body: ui.Time(time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC))}, {Term: "Target", Body: templ.Join(ui.Date(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)), html(", "+ui.Until(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), now)))}}),
		ui.Tabs("This review", []ui.Tab{{Text: "Sections", Href: "#", Current: true}, {Text: "Check answers", Href: "#c"}, {Text: "Compare rounds", Href: "#d"}, {Text: "Items", Href: "#i", Count: 7, HasCount: true}, {Text: "Discussion", Href: "#t", Count: 0, HasCount: true}}),
		html(`<div class="split"><div class="stack">`),
		ui.Counts("This review in figures", []ui.Count{{Figure: 23, Text: "Unanswered", Href: "#u"}, {Figure: 3, Text: "High", Hint: "1 accepted", Href: "#h"}, {Figure: 11, Text: "To confirm", Hint: "carried over", Href: "#c"}, {Figure: 0, Text: "Contradicted", Href: "#x"}}),
		with(ui.Panel(ui.PanelProps{ID: "sections", Title: "Sections", Meta: "53 of 76 questions answered. Any order is fine."}), with(table, rows...)),
		with(ui.Panel(ui.PanelProps{ID: "risk", Title: "Risk"}), ui.Ladder([]ui.Rung{{Risk: "none", Text: "All choices are ticked."}, {Risk: "medium", Text: "Both core choices and one of alternative A are ticked."},
			{Risk: "high", Text: "The core choice A restore is timed against the recovery objective is not ticked.", Here: true, Note: html(`<a href="#c2">Ticking it</a> leads to medium.`)}})),
		with(ui.Panel(ui.PanelProps{ID: "check", Title: "Check answers", Meta: "Data and recovery", More: ui.Link{Text: "All 76", Href: "#all"}}), ui.Answers([]ui.AnswerLine{
			{Question: "How do you know a restore works?", Href: "#q", Status: ui.RiskStatus("high"), Answer: []string{"Restores are rehearsed at least every quarter", "Restored data is compared with the source"}, Note: "Drill on 30 October, 38 minutes.", Change: "#e"},
			{Question: "Can you lose a Region?", Status: ui.RiskStatus("unanswered"), Change: "#e"}})),
		html(`</div><aside class="side" aria-label="About this review"><section class="panel panel-body" aria-label="Progress">`), ui.Orbits(sections),
		html(`<p class="fs muted">One orbit per section, its arc is what is answered.</p></section>`),
		with(ui.Panel(ui.PanelProps{ID: "todo", Title: "To answer", Meta: "In 2 reviews"}), ui.WorkList([]ui.WorkItem{
			{Kind: ui.RiskHigh, Title: "How do you know a restore works?", Href: "#q", Meta: "Payments, challenged by Jonas Weber", Due: ui.Date(now)},
			{Kind: ui.RiskUnanswered, Title: "Can you start from cold?", Href: "#r", Meta: "Payments", Due: html("in 3 days")}, {Title: "Nothing else"}})),
		with(ui.Panel(ui.PanelProps{ID: "run", Title: "Evidence run", Meta: "production"}), with(ui.Progress("Reading 3 accounts in 2 Regions", 4, 6), ui.Status(ui.StateBusy, "Running since 04:10"), ui.Status(ui.VerdictCannotTell, "1 source was denied"))),
		html(`</aside></div>`))
}

func list() templ.Component {
	sort := ui.Table(ui.TableProps{Caption: "Workloads by tier", Columns: []ui.Column{{Text: "Select", Hidden: true}, {Text: "Workload", Href: "#n"}, {Text: "Tier", Href: "#t", Sort: "ascending", Numeric: true}, {Text: "Decision"}, {Text: "High open", Numeric: true}, {Text: "Read"}}})
	row := func(name, key, outcome, until string, high int) templ.Component {
		return with(ui.Row(), ui.Pick("w", key, "Select "+name),
			with(ui.RowHead(), html(`<a class="t" href="#w">`+name+`</a><span class="sub"><span class="mono">`+key+`</span> · Ledger</span>`)), ui.Num("Tier", 1, ""),
			with(ui.Cell(""), ui.DecisionStatus(outcome), html(`<span class="sub">`+until+`</span>`)), ui.Num("High", high, ui.RiskHigh), with(ui.Cell("Read"), ui.Time(now), html(`<span class="sub">`+ui.Age(41*time.Hour)+`</span>`)))
	}
	return templ.Join(with(ui.Head("Workloads", "214 workloads. Decision is the sealed record, the other columns are what is true now."), html(`<a class="btn" href="#csv">`), ui.Icon("down"), html(`Export CSV</a><a class="btn btn-primary" href="#a">Add a workload</a>`)),
		ui.Views("Saved views", []ui.Tab{{Text: "All", Href: "#", Count: 214, HasCount: true, Current: true}, {Text: "Mine", Href: "#m", Count: 3, HasCount: true}, {Text: "High open", Href: "#h", Count: 41, HasCount: true}, {Text: "Review late", Href: "#l", Count: 4, HasCount: true}}),
		with(ui.Filters("/workloads", 0, "/workloads"), ui.Text(ui.Field{Name: "q", Label: "Name or key", Type: "search"}), ui.Select(ui.Choice{Name: "team", Label: "Team", Options: []ui.Option{{Text: "Any team"}, {Value: "l", Text: "Ledger"}}})),
		html(`<div class="panel">`), with(sort, ui.GroupRow(6, "Tier 1, 3"), row("Payments", "payments", "none", "Review in round 2", 3), row("Checkout web", "checkout-web", "conditional", "until 30 Jun 2027", 1),
			row("Card vault", "card-vault", "go", "until 12 May 2027", 0), row("Fraud scoring", "fraud-scoring", "emergency", "ends 29 Nov 2026", 5), row("Catalogue", "catalogue", "no_go", "since 16 Nov 2026", 4)), html(`</div>`),
		ui.Pager(ui.PagerProps{Text: "51 to 100 of 214", Newer: "#n", Older: "#o"}),
		html(`<div class="panel gap-t">`), ui.EmptyState("No workload fits the filters", "214 workloads exist. Clear the filters to see them.", ui.Link{Text: "Clear the filters", Href: "#c"}), html(`</div>`))
}

func saving() templ.Component {
	return templ.Join(ui.Head("Two people changed this answer", "How do you know a restore works? Nothing is overwritten until you choose."),
		ui.Versus(ui.Side{Title: "Saved by Mika Laine", Meta: "21 Nov 2026, 14:29, version 8", Body: html(`<p class="text">Drill on <del>2 October</del><ins>30 October</ins> restored the <b>ledger</b>.</p>`)},
			ui.Side{Title: "Yours, not saved", Meta: "you opened version 7", Text: "Drill on 30 October restored\nsettlements into recovery-test."}),
		html(`<div class="stack gap-t"><form method="post" action="/saving" novalidate data-guard><div class="field"><label class="lbl" for="merged">Merge them here</label><textarea class="in" id="merged" rows="3"></textarea></div>`),
		html(`<div class="savebar gap-t"><button class="btn btn-primary" type="submit">Save the merged text</button><button class="btn" type="submit">Keep theirs</button><button class="btn" type="submit">Replace with mine</button>`),
		ui.SaveState(ui.SaveConflict, "Changed by Mika Laine at 14:29"), html(`</div></form>`),
		html(`<div class="savebar"><button class="btn" type="submit">Save</button>`), ui.SaveState(ui.SaveDone, "Saved at 14:32"), html(`</div>`),
		html(`<div class="savebar"><button class="btn" type="submit">Save</button>`), ui.SaveState(ui.SaveBusy, "Saving"), html(`</div>`),
		html(`<div class="savebar"><button class="btn" type="submit">Save</button>`), ui.SaveState(ui.SaveUnsaved, "Not saved yet"), html(`</div>`),
		html(`<div class="savebar"><button class="btn" type="submit">Try again</button>`), ui.SaveState(ui.SaveFailed, "Not saved. The network did not answer"), html(`</div></div>`),
		html(`<form class="gap-t" method="post" action="/refuse" hx-post="/refuse" hx-target="#said"><button class="btn" id="refuse" type="submit">Ask to be refused</button><div id="said"></div></form>`),
		html(`<form class="gap-t" method="post" action="/keep" hx-post="/keep" hx-target="#kept" data-guard><label class="lbl" for="keep">Kept by htmx</label><input class="in" id="keep"><button class="btn" id="keep-it" type="submit">Keep</button><div id="kept"></div></form>`))
}

func settings() templ.Component {
	return templ.Join(ui.Head("Your account", "Asha Rao, lead of Ledger"),
		html(`<section class="setting"><div><h2>Details</h2><p>What others see.</p></div>`), ui.DefinitionList([]ui.Definition{{Term: "Name", Text: "Asha Rao"}, {Term: "Mail", Text: "asha@example.org"}, {Term: "Last seen", Body: ui.Time(now)}, {Term: "Decision", Body: ui.DecisionStatus("go")}, {Term: "A longer term that needs its space", Text: "A value"}}), html(`</section>`),
		html(`<section class="setting"><div><h2>Theme</h2><p>On this browser only.</p></div>`), ui.ThemeChoice("/account/theme", ""), html(`</section>`),
		html(`<section class="setting"><div><h2>Invite a person</h2><p>The link works once, for two days.</p></div><div>`), ui.CopyBox("invite", "Link for Mika Laine", "https://orrery.example/join/8f3c1e"), html(`</div></section>`),
		html(`<section class="setting"><div><h2>Sessions</h2><p>End those you do not know.</p></div><div>`), ui.PostButton("/account/sessions/end", "End all other sessions"), html(`</div></section>`))
}

func signIn(errors ui.FieldErrors) templ.Component {
	return templ.Join(html(`<h1>Sign in</h1><p class="muted">Use the name and password of your Orrery account.</p><form method="post" action="/sign-in" novalidate>`),
		ui.Text(ui.Field{Name: "username", Label: "Mail address", Autocomplete: "username", InputMode: "email"}),
		ui.Text(ui.Field{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password", Error: errors.For("password")}),
		html(`<div class="form-end"><button class="btn btn-primary btn-wide" type="submit">Sign in</button></div></form>`))
}

func itoa(n int) string { return strconv.Itoa(n) }
