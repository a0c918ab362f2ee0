package views

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// Judge is a person who could decide, as a page names them.
type Judge struct {
	Name    string
	Outside bool // of the owning team
}

// ReviewHome is the home of a review.
type ReviewHome struct {
	review.Sheet
	Judges    []Judge
	Run       evidence.Run
	HasRun    bool
	Now       time.Time
	CanAnswer bool // the reader is in the team and the round is a draft
	CanJudge  bool // the reader may sign off and decide, and is no author
	CanSubmit bool
	Decision  *review.Decision // of this round or the one before
	Cancelled review.Cancellation
	CanCancel bool
	Filter    review.Filter
	Shown     []review.Section    // what the filter lets through
	Counts    map[review.Show]int // what each filter would hold
	People    []ui.Option         // who may be asked to answer

	Turned []review.ChangedProof // what evidence says against the decision since

	Emergencies []review.EmergencyGo // that this review follows

	ToConfirm  []review.ToConfirm
	Newer      []review.Newer // sets with a newer version
	FromTool   int            // questions that the Well-Architected Tool has an answer for, and this review has not
	Plan       review.AgendaInput
	CanPlan    bool   // the reader is in the team and the review is open
	PlanBroken string // why the plan was not saved, beside its form
}

// CheckPage is what stands before submission.
type CheckPage struct {
	review.Sheet
	Owners   []ui.Option // who may own a first step
	Steps    map[string]review.FirstStep
	Errors   ui.FieldErrors
	MaySubmt bool
	Problem  string
}

// Named puts before each error the question that it is about.
func (c CheckPage) Named() ui.FieldErrors {
	list := slices.Clone(c.Errors)
	for i, one := range list {
		for _, e := range c.Highs() {
			if one.Name == review.FieldName("owner", e.Key()) || one.Name == review.FieldName("due_on", e.Key()) {
				list[i].Message = asTitle(e.Question.Title) + " " + one.Message
			}
		}
	}
	return list
}

// asTitle ends a title as a sentence ends, so that another may follow.
func asTitle(title string) string {
	if strings.HasSuffix(title, "?") || strings.HasSuffix(title, ".") {
		return title
	}
	return title + ":"
}

// DecidePage is the approver's page.
type DecidePage struct {
	review.Readout
	Items       []remediation.Item
	Owners      []ui.Option
	Form        review.DecideInput
	SignOff     review.SignOffInput
	Errors      ui.FieldErrors
	Problem     string
	Differences []string // what changed since the form was read
	CanJudge    bool
	WhyNot      string
	MayWithdraw bool
	Missing     string // which sign-offs are still needed
	ValidTill   time.Time
	Now         time.Time
	Again       *review.Comparison // with what was submitted before in this round; nil when it was submitted once
	Since       *review.Since      // the last decision on the subject; nil when there is none
}

func itoa(n int) string { return strconv.Itoa(n) }

// sectionStatus is the plain status of a section in the task list.
func sectionStatus(c review.Counts) (ui.Kind, string) {
	switch {
	case c.Contradicted > 0:
		return ui.StateProblem, "Evidence contradicts"
	case c.Answered == 0 && c.ToConfirm > 0:
		return ui.StateWaiting, "To confirm"
	case c.Answered == 0:
		return ui.StateNotStarted, "Not started"
	case c.Answered < c.Questions:
		return ui.StateProgress, "In progress"
	}
	return ui.StateDone, "Completed"
}

func roundStatus(state string) (ui.Kind, string) {
	switch state {
	case review.Submitted:
		return ui.StateFrozen, "Submitted, frozen"
	case review.Sealed:
		return ui.StateSealed, "Decided, sealed"
	case review.Draft:
		return ui.StateProgress, "Draft"
	case review.Superseded:
		return ui.StateFrozen, "Superseded by an upgrade, frozen"
	}
	return ui.StateCancelled, "Cancelled"
}

func orbits(s review.Sheet) []ui.Orbit {
	list := make([]ui.Orbit, 0, len(s.Sections))
	for _, section := range s.Sections {
		c := review.Count(section.Entries)
		list = append(list, ui.Orbit{Name: section.Name, Answered: c.Answered, Total: c.Questions, High: c.High})
	}
	return list
}

func subject(r review.Review) string {
	if r.ChangeKey == "" {
		return "the whole workload"
	}
	return "change " + r.ChangeKey + ", " + r.ChangeTitle
}

// weightTag is the word beside a choice that says what it counts for.
func weightTag(c questionnaire.Choice) string {
	if c.Weight == questionnaire.WeightAlternative && c.Group != "" {
		return "alternative " + c.Group
	}
	if c.Weight == questionnaire.WeightScope {
		return "ends the question"
	}
	return string(c.Weight)
}

// line is what stands beside a choice: a verdict in words, which leads to its check.
type line struct{ state, words, check string }

// proofLines says once, for each verdict that the checks of a choice came to, how many did.
func proofLines(list []review.Proof, choice string) []line {
	var lines []line
	count := map[evidence.State]int{}
	for _, p := range list {
		if p.Read && p.Check.Choice == choice {
			count[p.State]++
		}
	}
	for _, p := range list {
		n := count[p.State]
		if !p.Read || p.Check.Choice != choice || n == 0 {
			continue
		}
		words := proofWords[p.State]
		if n > 1 {
			words += ", " + itoa(n) + " checks"
		}
		lines = append(lines, line{string(p.State), words, p.Check.ID})
		count[p.State] = 0
	}
	return lines
}

var proofWords = map[evidence.State]string{
	evidence.Supports: "Evidence supports", evidence.Contradicts: "Evidence contradicts", evidence.Mixed: "Evidence is mixed",
	evidence.Stale: "Stale evidence, no longer counts", evidence.CannotTell: "Evidence cannot tell",
}

// hasRung reports whether the answer stands on one of the ladder's steps.
func hasRung(x questionnaire.Explanation) bool {
	for _, r := range x.Rungs {
		if r.Here {
			return true
		}
	}
	return false
}

// rungs turns an explanation into the ladder's steps.
func rungs(x questionnaire.Explanation) []ui.Rung {
	list := make([]ui.Rung, 0, len(x.Rungs))
	for _, r := range x.Rungs {
		rung := ui.Rung{Risk: string(r.Risk), Text: r.Text, Here: r.Here}
		if r.Here {
			if why := x.Risk.Beside(x.Sentence); why != r.Text {
				rung.Note = because(why)
			}
		}
		list = append(list, rung)
	}
	return list
}

// counted puts a number before the word for one or many.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}

func conditionField(part string, i int) string { return review.ConditionField(part, i) }

// timingOptions are the two times a condition may hold.
func timingOptions(chosen string) []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: remediation.BeforeLaunch, Text: "Before launch"},
		{Value: remediation.AfterLaunch, Text: "After launch, by the date"},
	}, chosen)
}

func withFirst(first string, options []ui.Option, chosen string) []ui.Option {
	return ui.Selected(append([]ui.Option{{Value: "", Text: first}}, options...), chosen)
}

func outcomeWord(outcome string) string {
	switch outcome {
	case review.Go:
		return "Go"
	case review.Conditional:
		return "Conditional go"
	case review.NoGo:
		return "No-go"
	case review.Emergency:
		return "EMERGENCY go"
	case review.Elsewhere:
		return "Decided elsewhere"
	case review.Revoked:
		return "Revoked"
	}
	return "No decision"
}

// choiceTitle is the text of a choice, or its id when the question has no such choice.
func choiceTitle(q *questionnaire.Question, id string) string {
	if c, ok := q.Choice(id); ok {
		return c.Title
	}
	return id
}

// sourceWord names where a check looks.
func sourceWord(c questionnaire.Check) string {
	switch c.Source {
	case evidence.ControlSource:
		return "Security Hub control " + c.Key
	case evidence.RuleSource:
		return "AWS Config rule " + c.Key
	case evidence.RecorderSource:
		return "AWS Config recorder"
	case evidence.TrailSource:
		return "CloudTrail trails"
	}
	return questionnaire.TitleOfSource(c.Source) + " " + c.Key
}

// evidenceMeta sums the verdicts of a question up.
func evidenceMeta(q review.QuestionPage) string {
	against := 0
	for _, p := range q.Entry.Proofs {
		if p.Against {
			against++
		}
	}
	if against > 0 {
		return counted(against, "stands against the answer", "stand against the answer")
	}
	return "production"
}

func decisionNoteKind(outcome string) ui.NoteKind {
	switch outcome {
	case review.Go:
		return ui.NoteGood
	case review.NoGo, review.Revoked:
		return ui.NoteHigh
	}
	return ui.NoteMedium
}

// placeWords says which question this is.
func placeWords(q review.QuestionPage) string {
	words := "Question " + itoa(q.Place) + " of " + itoa(q.Of)
	if q.Entry.Answer.Required {
		words += ", required"
	}
	if q.Entry.Question.Phase != "" {
		words += ", settled in " + string(q.Entry.Question.Phase)
	}
	return words + ". "
}

// entryMeta is the second line of a question in a list.
func entryMeta(e review.Entry) string {
	words := riskWords(e)
	if e.Answer.ToConfirm {
		return words + ", to be confirmed "
	}
	if e.Answer.SavedBy != "" {
		words += ", " + e.Answer.SavedBy
	}
	return words + " "
}

// tabs are the pages of a review; deciding is among them once there is something to decide.
func tabs(r review.Review, current string) []ui.Tab {
	list := []ui.Tab{
		{Text: "Sections", Href: r.Path(), Current: current == "home"},
		{Text: "Check answers", Href: r.Path() + "/check", Current: current == "check"},
	}
	if r.Round.State == review.Submitted {
		list = append(list, ui.Tab{Text: "Decide", Href: r.Path() + "/decide", Current: current == "decide"})
	}
	return append(list, ui.Tab{Text: "Record", Href: r.Path() + "/record", Current: current == "record"})
}

// evidenceJump is the link to the evidence where it stands below the answer.
func evidenceJump(q review.QuestionPage) string {
	if n := len(q.Entry.Proofs); n > 0 {
		return "Evidence below: " + counted(n, "check", "checks")
	}
	return "Evidence below"
}
