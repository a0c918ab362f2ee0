package views

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/internal/incident"
	"orrery/web/views/ui"
)

// LessonList is a page of the list of lessons.
type LessonList struct {
	Filter  incident.LessonFilter
	Lessons []incident.Lesson
	Next    string
}

func (l LessonList) path(state, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery("/lessons", q)
}

func (l LessonList) tabs() []ui.Tab {
	tab := func(text, state string) ui.Tab {
		return ui.Tab{Text: text, Href: l.path(state, ""), Current: l.Filter.State == state}
	}
	return []ui.Tab{tab("All", ""), tab("To judge", incident.Proposed), tab("Accepted", incident.Accepted), tab("Merged", incident.Merged), tab("Declined", incident.Declined)}
}

// lessonStatus is the shape and the words of where a lesson stands.
func lessonStatus(l incident.Lesson) (ui.Kind, string) {
	switch {
	case l.State == incident.Accepted && l.PublishedAt != nil:
		return ui.StateDone, "Published"
	case l.State == incident.Accepted:
		return ui.StateProgress, "Accepted, not published yet"
	case l.State == incident.Merged:
		return ui.StateCancelled, "Merged"
	case l.State == incident.Declined:
		return ui.StateCancelled, "Declined"
	}
	return ui.StateWaiting, "To judge"
}

// LessonForm is the form of a lesson, as it was typed.
type LessonForm struct {
	Incident  incident.Incident // of a new lesson
	Lesson    incident.Lesson   // the zero Lesson: a new one
	Input     incident.LessonInput
	Conflict  string
	Questions []ui.Option
	Sets      []ui.Option
}

// FormOfLesson is the form of a lesson as it stands.
func FormOfLesson(l incident.Lesson) LessonForm {
	return LessonForm{Lesson: l, Input: l.Input()}
}

// forEveryone reports whether everyone may read the incident.
func (f LessonForm) forEveryone() bool {
	if f.Lesson.Title == "" {
		return f.Incident.ForEveryone()
	}
	return f.Lesson.ForEveryone
}

func (f LessonForm) action() string {
	if f.Lesson.Title == "" {
		return IncidentPath(f.Incident.ID) + "/lessons"
	}
	return f.Lesson.Path() + "/edit"
}

// practices are the rows of the form, with some to spare.
func (f LessonForm) practices() []incident.Practice {
	return append(slices.Clone(f.Input.Practices), make([]incident.Practice, max(1, 3-len(f.Input.Practices)))...)
}

var kindOptions = []ui.Option{
	{Value: incident.NewQuestion, Text: "A new question", Hint: "The practices below become what can be ticked."},
	{Value: incident.NewChoice, Text: "A new choice of a question", Hint: "One more statement that can be ticked."},
	{Value: incident.NewWording, Text: "Another wording of a question", Hint: "It is asked, but not understood as it should be."},
}

var lessonRisks = []ui.Option{{Value: "high", Text: "High: it can block a launch"}, {Value: "medium", Text: "Medium: it is planned"}}

var effectOptions = []ui.Option{
	{Value: incident.Prevented, Text: "Would have prevented it"}, {Value: incident.Shortened, Text: "Would have shortened it"}, {Value: incident.Shrunk, Text: "Would have made it smaller"},
}

func lessonTiers(chosen []string) []ui.Option {
	return ui.Selected([]ui.Option{{Value: "1", Text: "Tier 1"}, {Value: "2", Text: "Tier 2"}, {Value: "3", Text: "Tier 3"}}, chosen...)
}

// LessonPage is one lesson, with the forms of its curators as they were typed.
type LessonPage struct {
	incident.Lesson
	QuestionTitle string // of the question that it adds to or changes
	RollOut       []incident.FollowUp
	Progress      incident.Progress // of all that are asked, also beyond those listed
	MergedHere    []incident.Lesson // the lessons that were merged into this one
	Conflict      string            // why a judgement was not saved
	CanJudge      bool
	CanChange     bool
	Accept        incident.AcceptInput
	Into, Reason  string
	Sets, Others  []ui.Option
	DraftPath     string // of its question in the draft; empty when there is none
	SetName       string // of the set that asks it, once it is published
	Now           time.Time
}

func effectWords(effect string) string {
	for _, o := range effectOptions {
		if o.Value == effect {
			return o.Text
		}
	}
	return ""
}

// proposalLabel says what the proposal is.
func proposalLabel(kind string) string {
	switch kind {
	case incident.NewChoice:
		return "New choice"
	case incident.NewWording:
		return "New wording"
	}
	return "New question"
}

// concerns says which workloads the lesson concerns.
func (p LessonPage) concerns() string {
	var parts []string
	if len(p.Tiers) > 0 {
		var tiers []string
		for _, t := range p.Tiers {
			tiers = append(tiers, strconv.Itoa(t))
		}
		parts = append(parts, "of tier "+strings.Join(tiers, ", "))
	}
	if len(p.Tags) > 0 {
		parts = append(parts, "with one of the tags "+strings.Join(p.Tags, ", "))
	}
	if p.ConcernsSet != "" {
		parts = append(parts, "that are asked the set "+p.ConcernsSet)
	}
	if len(parts) == 0 {
		return "All workloads in use."
	}
	return "Workloads in use " + strings.Join(parts, ", ") + "."
}

// lost is what a curator wrote that no form on the page holds any more: the lesson was judged meanwhile.
func (p LessonPage) lost() string {
	switch {
	case p.State == incident.Proposed || p.Conflict == "":
		return ""
	case p.Reason != "":
		return "You wrote: " + p.Reason
	case p.Into != "":
		for _, o := range p.Others {
			if o.Value == p.Into {
				return "You chose to merge it into: " + o.Text
			}
		}
	case p.Accept.DueDays != "":
		return "You chose to accept it, with " + p.Accept.DueDays + " days to answer."
	}
	return ""
}

// mergedWords say which lessons share the fate of this one.
func (p LessonPage) mergedWords() string {
	titles := make([]string, len(p.MergedHere))
	for n, l := range p.MergedHere {
		titles[n] = l.Title
	}
	return counted(len(titles), "lesson was", "lessons were") + " merged into this one: " + strings.Join(titles, ", ") + "."
}

// asksFrom is the day from which the roll-out asks, where that is still to come; nil otherwise.
func (p LessonPage) asksFrom() *time.Time {
	if p.Progress.First != nil && p.Progress.First.After(p.Now) {
		return p.Progress.First
	}
	return nil
}

// followLines are follow-ups as a list to act on.
func followLines(list []incident.FollowUp, now time.Time, workload bool) []ui.WorkItem {
	lines := make([]ui.WorkItem, 0, len(list))
	for _, f := range list {
		kind, words := followStatus(f)
		item := ui.WorkItem{Kind: kind, Title: f.Lesson, Href: f.Path(), Meta: words + "."}
		if workload {
			item.Title, item.Meta = f.WorkloadName, f.TeamName+". "+words+"."
		}
		if f.State == incident.FollowOpen {
			item.Due = dueDay(f.DueOn, now)
		}
		if f.AskedOn.After(now) { // its page is there from that day on
			item.Href = ""
			item.Meta = strings.TrimSuffix(item.Meta, words+".") + "Asked from " + f.AskedOn.Format("2 January 2006") + " on."
		}
		lines = append(lines, item)
	}
	return lines
}

// followStatus is the shape and the words of where a follow-up stands.
func followStatus(f incident.FollowUp) (ui.Kind, string) {
	switch {
	case f.State == incident.FollowOpen:
		return ui.StateNotStarted, "To answer"
	case f.State == incident.FollowNotApplicable:
		return ui.StateCancelled, "Does not apply"
	case f.Mended():
		return ui.StateVerified, "A high was found, mended and verified"
	case f.Risk.CountsAsHigh():
		return ui.RiskHigh, "Answered: high"
	}
	return ui.StateDone, "Answered: " + f.Risk.Label()
}

const forecastLines = 500 // that a page lists

func forecastStatus(outcome string) (ui.Kind, string) {
	switch outcome {
	case incident.Fails:
		return ui.VerdictContradicts, "Would fail"
	case incident.Holds:
		return ui.VerdictSupports, "Would pass"
	}
	return ui.VerdictCannotTell, "Cannot tell"
}

// FollowUpPage is one follow-up, with the form as it was typed.
type FollowUpPage struct {
	incident.FollowUp
	Form      incident.FollowAnswer
	Conflict  string
	CanAnswer bool
	Now       time.Time
}

// StoredFollowUp is the form of a follow-up as it stands.
func StoredFollowUp(f incident.FollowUp) incident.FollowAnswer {
	in := incident.FollowAnswer{Version: f.Version, Chosen: f.Chosen, Unknown: f.Unknown, Note: f.Note}
	in.NotApplicable = f.State == incident.FollowNotApplicable
	return in
}

func (p FollowUpPage) choices() []ui.Option {
	var list []ui.Option
	for i := range p.Question.Choices {
		c := &p.Question.Choices[i]
		list = append(list, ui.Option{Value: c.ID, Text: c.Title, Hint: c.Good, Selected: slices.Contains(p.Form.Chosen, c.ID)})
	}
	return list
}

// homeFollowLines name the workload of each question.
func homeFollowLines(h HomePage) []ui.WorkItem {
	lines := followLines(first(h.FollowUps), h.Now, false)
	for n, f := range first(h.FollowUps) {
		lines[n].Meta = f.WorkloadName + "."
	}
	return lines
}

// homeLessonLines say what each lesson would ask, and since when it waits.
func homeLessonLines(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Lessons))
	for _, l := range first(h.Lessons) {
		list = append(list, ui.WorkItem{
			Kind: ui.StateWaiting, Title: l.Title, Href: l.Path(), Meta: l.Proposal + " Proposed by " + orElse(l.Proposer, "Orrery") + ".",
			Due: endDay(l.ProposedAt, h.Now),
		})
	}
	return list
}
