package views

import (
	"net/url"
	"strconv"
	"strings"

	"orrery/internal/portfolio"
	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

// QuestionnaireList is the list of sets.
type QuestionnaireList struct {
	Sets      []questionnaire.Set
	Uses      map[string]portfolio.SetUse // by key
	Drafts    []questionnaire.Draft
	MayCurate bool
}

// QuestionnairePage is one version of a set, to read.
type QuestionnairePage struct {
	Set      *questionnaire.Questionnaire
	Version  questionnaire.Published
	Versions []questionnaire.Published // newest first
	Origin   string
	Warnings []questionnaire.Problem
	Use      portfolio.SetUse
	Filter   questionnaire.Filter
	Unfold   bool // every question stands open

	Off        map[string]questionnaire.SwitchedOff // by the question's id
	OwnMarks   map[string]questionnaire.Mark        // the reader's open ones, likewise
	MarkCounts map[string]questionnaire.MarkCount   // of everybody, for curators
	MayCurate  bool
}

// Comparison is the difference between two versions of a set. From is empty when the set
// has one version only.
type Comparison struct {
	Set        *questionnaire.Questionnaire // the version compared to
	From, To   string
	Versions   []questionnaire.Published
	Difference questionnaire.Difference
}

// QuestionnairePath is the address of a version of a set; of the newest when version is
// empty.
func QuestionnairePath(key, version string) string {
	q := url.Values{}
	if version != "" {
		q.Set("version", version)
	}
	return withQuery("/questionnaires/"+key, q)
}

// path is the address of the page under a filter.
func (p QuestionnairePage) path(f questionnaire.Filter, unfold bool) string {
	q := url.Values{}
	if !p.newest() {
		q.Set("version", p.Version.Version)
	}
	if f.Text != "" {
		q.Set("q", f.Text)
	}
	if f.Phase != "" {
		q.Set("phase", string(f.Phase))
	}
	if f.CorePath {
		q.Set("core", "1")
	}
	if f.Checked {
		q.Set("checks", "1")
	}
	if unfold {
		q.Set("unfold", "1")
	}
	return withQuery("/questionnaires/"+p.Set.Key, q)
}

func (p QuestionnairePage) newest() bool {
	return len(p.Versions) == 0 || p.Versions[0].ID == p.Version.ID
}

// exportPath is the address of the version as a file.
func (p QuestionnairePage) exportPath(format string) string {
	return withQuery("/questionnaires/"+p.Set.Key+"/export/"+format, url.Values{"version": {p.Version.Version}})
}

func comparePath(key, from, to string) string {
	q := url.Values{}
	if from != "" {
		q.Set("from", from)
	}
	if to != "" {
		q.Set("to", to)
	}
	return withQuery("/questionnaires/"+key+"/compare", q)
}

// filters counts what narrows the page.
func (p QuestionnairePage) filters() (n int) {
	for _, used := range []bool{p.Filter.Text != "", p.Filter.Phase != "", p.Filter.CorePath, p.Filter.Checked} {
		if used {
			n++
		}
	}
	return n
}

// keptSection is a section with the questions that the filter keeps.
type keptSection struct {
	*questionnaire.Section
	Kept []*questionnaire.Question
}

// kept returns the sections that have something to show, and how many questions that is.
func (p QuestionnairePage) kept() (sections []keptSection, questions int) {
	for i := range p.Set.Sections {
		s := &p.Set.Sections[i]
		if list := p.Filter.Keep(s); len(list) > 0 {
			sections = append(sections, keptSection{s, list})
			questions += len(list)
		}
	}
	return sections, questions
}

// unfoldUpTo is how many found questions stand open at once.
const unfoldUpTo = 3

var phaseOptions = []ui.Option{
	{Value: "", Text: "Any phase"},
	{Value: string(questionnaire.PhaseDesign), Text: "Design"},
	{Value: string(questionnaire.PhaseBuild), Text: "Build"},
	{Value: string(questionnaire.PhaseLaunch), Text: "Launch"},
}

// plural counts a noun that takes an s: "1 question", "36 questions".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// minutesWords is a length of answering: "45 min", "3 h", "2 h 30 min"; empty for none.
func minutesWords(minutes int) string {
	hours, rest := minutes/60, minutes%60
	switch {
	case minutes <= 0:
		return ""
	case hours == 0:
		return strconv.Itoa(rest) + " min"
	case rest == 0:
		return strconv.Itoa(hours) + " h"
	}
	return strconv.Itoa(hours) + " h " + strconv.Itoa(rest) + " min"
}

// timeWords says how long the set takes, as far as it says so itself.
func (p QuestionnairePage) timeWords() string {
	t := p.Set.Totals()
	all := minutesWords(p.Set.MinutesFor(t.Questions))
	switch {
	case all == "":
		return "The set does not say how long answering takes."
	case t.CorePath > 0 && t.CorePath < t.Questions:
		return "About " + all + " for all " + plural(t.Questions, "question") + ", about " + minutesWords(p.Set.MinutesFor(t.CorePath)) +
			" for the core path of " + strconv.Itoa(t.CorePath) + "."
	}
	return "About " + all + " for " + plural(t.Questions, "question") + "."
}

// whoWords says whose knowledge the questions need, by their phases.
func (p QuestionnairePage) whoWords() string {
	asked := map[questionnaire.Phase]bool{}
	for _, q := range p.Set.Questions() {
		asked[q.Phase] = true
	}
	var who []string
	for _, each := range []struct {
		phase questionnaire.Phase
		words string
	}{
		{questionnaire.PhaseDesign, "who designed it"}, {questionnaire.PhaseBuild, "who builds and deploys it"}, {questionnaire.PhaseLaunch, "who is on call for it"},
	} {
		if asked[each.phase] || asked[""] {
			who = append(who, each.words)
		}
	}
	if len(who) == 0 {
		return "People who know the workload."
	}
	if len(who) == 1 {
		return "People of the workload: " + who[0] + "."
	}
	last := len(who) - 1
	return "People of the workload: " + strings.Join(who[:last], ", ") + " and " + who[last] + "."
}

// bringCount counts what to have at hand.
func (p QuestionnairePage) bringCount() (n int) {
	for _, q := range p.Set.Questions() {
		n += len(q.Bring)
	}
	return n
}

func (p QuestionnairePage) facts() []ui.Definition {
	t := p.Set.Totals()
	version := p.Version.Version
	if !p.newest() {
		version += ", not the newest"
	}
	list := []ui.Definition{
		{Term: "Version", Text: version},
		{Term: "Published", Body: ui.Date(p.Version.PublishedAt)},
		{Term: "Questions", Text: strconv.Itoa(t.Questions)},
		{Term: "Choices", Text: strconv.Itoa(t.Choices)},
	}
	if t.CorePath > 0 {
		list = append(list, ui.Definition{Term: "Core path", Text: strconv.Itoa(t.CorePath)})
	}
	if t.Checked > 0 {
		list = append(list, ui.Definition{Term: "With evidence checks", Text: strconv.Itoa(t.Checked)})
	}
	if n := len(p.Off); n > 0 {
		list = append(list, ui.Definition{Term: "Switched off", Text: strconv.Itoa(n)})
	}
	if p.Set.Edition != "" {
		list = append(list, ui.Definition{Term: "Framework edition", Text: p.Set.Edition})
	}
	return append(list, ui.Definition{Term: "Origin", Text: originWords(p.Origin)})
}

func originWords(origin string) string {
	if origin == questionnaire.Shipped {
		return "shipped with Orrery"
	}
	return "your organisation"
}

// questionMeta is the second line of a question: what surrounds it, in a few words.
func questionMeta(q *questionnaire.Question) string {
	practices := 0
	for i := range q.Choices {
		if !q.Choices[i].None {
			practices++
		}
	}
	words := []string{plural(practices, "choice")}
	if q.CorePath {
		words = append(words, "core path")
	}
	if q.Phase != "" {
		words = append(words, string(q.Phase))
	}
	if len(q.Tiers) > 0 {
		words = append(words, tierWords(q.Tiers))
	}
	if len(q.Checks) > 0 {
		words = append(words, plural(len(q.Checks), "evidence check"))
	}
	return strings.Join(words, " · ")
}

// tierWords names the tiers a question is asked of: "tier 1", "tiers 1 and 2".
func tierWords(tiers []int) string {
	names := make([]string, len(tiers))
	for i, t := range tiers {
		names[i] = strconv.Itoa(t)
	}
	if len(names) == 1 {
		return "tier " + names[0]
	}
	return "tiers " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// expectWords says when a check supports its choice.
func expectWords(c questionnaire.Check) string {
	switch c.Expect {
	case "any_pass":
		return "one passing fact is enough"
	case "seen_within":
		return "seen within " + ui.Span(c.Within)
	case "not_seen_within":
		return "not seen within " + ui.Span(c.Within)
	}
	return "every fact passes"
}

// lintWords is the state of a set under lint.
func lintWords(warnings int) string {
	if warnings == 0 {
		return "No warning"
	}
	return plural(warnings, "warning")
}

// useWords says where a set is asked.
func useWords(u portfolio.SetUse) string {
	if len(u.Types) == 0 {
		return "No review type asks it"
	}
	return strings.Join(u.Types, ", ")
}

func versionOptions(versions []questionnaire.Published, chosen string) []ui.Option {
	options := make([]ui.Option, len(versions))
	for i, p := range versions {
		options[i] = ui.Option{Value: p.Version, Text: p.Version + ", " + p.PublishedAt.UTC().Format("2 Jan 2006"), Selected: p.Version == chosen}
	}
	return options
}

// httpLink returns an address that leads out of the portal, or none: what a file gives is
// shown as a link only when it is one.
func httpLink(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

// sectionBring counts what the questions of a section want at hand.
func sectionBring(s *questionnaire.Section) (n int) {
	for i := range s.Questions {
		n += len(s.Questions[i].Bring)
	}
	return n
}
