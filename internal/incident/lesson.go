package incident

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/text"
)

// The states of a lesson.
const (
	Proposed = "proposed"
	Accepted = "accepted"
	Merged   = "merged"
	Declined = "declined"
)

// What a lesson proposes.
const (
	NewQuestion = "question"
	NewChoice   = "choice" // on a question that is there
	NewWording  = "change" // of a question that is there
)

// What a practice would have done in the incident.
const (
	Prevented = "prevented"
	Shortened = "shortened"
	Shrunk    = "shrunk"
)

// LessonSet is the key of the set that lessons go into when the curator names no other, and
// LessonSetName its name.
const (
	LessonSet     = "lessons"
	LessonSetName = "Lessons from incidents"
)

// Lesson is what an incident taught.
type Lesson struct {
	ID          uuid.UUID
	IncidentID  uuid.UUID
	Incident    string // its title; empty when the reader may not read it
	ForEveryone bool   // everyone may read the incident
	Title       string
	Failure     string // what it prevents
	Kind        string
	SetKey      string // with QuestionID: the question it adds to or changes; empty for a new one
	QuestionID  string
	Proposal    string // the question, the choice or the wording
	Why         string
	MaxRisk     string // high or medium
	Prompts     []string
	Tiers       []int    // of the workloads it concerns; empty: all
	Tags        []string // of the workloads it concerns, key=value; empty: all
	ConcernsSet string   // workloads that are asked this set; empty: all
	State       string
	MergedInto  *uuid.UUID
	Reason      string // why it was declined, or what was said to it
	DueDays     int
	Monthly     bool // its follow-ups are asked on the first of the next month
	Version     int
	ProposedBy  *uuid.UUID
	Proposer    string
	ProposedAt  time.Time
	Judge       string
	JudgedAt    *time.Time
	PutSet      string // with PutQuestion: the question it became; empty before it is accepted
	PutQuestion string
	VersionID   *uuid.UUID // the first published version that asks it
	PublishedAt *time.Time

	Practices []Practice
}

// Path is the address of the lesson.
func (l Lesson) Path() string { return "/lessons/" + l.ID.String() }

// Practice is guidance of a lesson.
type Practice struct{ Title, URL, Effect string }

// MayChange returns nil when the actor may change the lesson while it is proposed: who
// proposed it, and curators.
func (l Lesson) MayChange(who identity.Actor) error {
	if who.PersonID != uuid.Nil && l.ProposedBy != nil && *l.ProposedBy == who.PersonID && who.May(identity.ProposeLesson, identity.Target{}) == nil {
		return nil
	}
	if who.May(identity.JudgeLesson, identity.Target{}) != nil {
		return fault.New(fault.Forbidden, "Only who proposed this lesson and curators may change it.")
	}
	return nil
}

// LessonInput is a lesson as it is written.
type LessonInput struct {
	Title       string
	Failure     string
	Kind        string
	Question    string // set/question, for NewChoice and NewWording
	Proposal    string
	Why         string
	MaxRisk     string
	Prompts     []string
	Tiers       []string
	Tags        []string
	ConcernsSet string
	Practices   []Practice // those without a title are left out
}

// Input is what a person would write to get the lesson as it stands.
func (l Lesson) Input() LessonInput {
	in := LessonInput{
		Title: l.Title, Failure: l.Failure, Kind: l.Kind, Proposal: l.Proposal, Why: l.Why, MaxRisk: l.MaxRisk, Prompts: l.Prompts,
		Tags: l.Tags, ConcernsSet: l.ConcernsSet, Practices: l.Practices,
	}
	if l.QuestionID != "" {
		in.Question = l.SetKey + "/" + l.QuestionID
	}
	for _, t := range l.Tiers {
		in.Tiers = append(in.Tiers, strconv.Itoa(t))
	}
	return in
}

// AcceptInput is how a curator accepts a lesson.
type AcceptInput struct {
	Version int
	Set     string // key of the set of the organisation that a new question goes into; empty: LessonSet
	DueDays string // days for the follow-ups; 30 when empty
	Monthly bool
}

// LessonFilter narrows the list of lessons. Empty fields do not.
type LessonFilter struct {
	State      string
	IncidentID uuid.UUID
	Set        string // with Question: the lessons that the question came from
	Question   string
	Draft      string // accepted, put into the draft of this set, and not published yet
	Mergeable  bool   // proposed or accepted: others may be merged into it
	MergedInto uuid.UUID
	After      string
	Limit      int // 1 to 100, 50 when 0
}

// apply checks the input and sets what it says.
func (in LessonInput) apply(l *Lesson) (bad fields) {
	l.Title = bad.need("title", text.Line(in.Title), "Give the lesson a title.", 120)
	l.Failure = bad.need("failure", text.Clean(in.Failure), "Say which failure it prevents.", 2000)
	if l.Kind = in.Kind; !slices.Contains([]string{NewQuestion, NewChoice, NewWording}, l.Kind) {
		bad.add("kind", "Choose what shall be asked.")
	}
	l.Proposal = bad.need("proposal", text.Line(in.Proposal), "Write what shall be asked.", 128)
	l.Why = bad.fit("why", text.Clean(in.Why), 2000)
	if l.MaxRisk = in.MaxRisk; l.MaxRisk != "high" && l.MaxRisk != "medium" {
		bad.add("max_risk", "Choose the risk of an insufficient answer.")
	}
	l.Prompts = bad.listOf("prompts", in.Prompts, 10, 150)
	l.Tags = bad.listOf("tags", in.Tags, 20, 256)
	l.ConcernsSet = bad.fit("concerns_set", text.Line(in.ConcernsSet), 40)
	l.Tiers = []int{}
	for _, typed := range in.Tiers {
		tier, err := strconv.Atoi(typed)
		if err != nil || tier < 1 || tier > 3 {
			bad.add("tiers", "Choose among the tiers 1, 2 and 3.")
		} else if !slices.Contains(l.Tiers, tier) {
			l.Tiers = append(l.Tiers, tier)
		}
	}
	slices.Sort(l.Tiers)
	in.practices(l, &bad)
	return bad
}

func (in LessonInput) practices(l *Lesson, bad *fields) {
	l.Practices = nil
	for n, p := range in.Practices {
		title := text.Line(p.Title)
		if title == "" {
			continue
		}
		at := func(name string) string { return name + "_" + strconv.Itoa(n) }
		one := Practice{bad.fit(at("practice"), title, 128), bad.address(at("url"), p.URL), p.Effect}
		if !slices.Contains([]string{Prevented, Shortened, Shrunk}, p.Effect) {
			bad.add(at("effect"), "Choose what this practice would have done.")
		}
		l.Practices = append(l.Practices, one)
	}
	if len(l.Practices) > 12 {
		bad.add("practice_0", "At most twelve practices are allowed.")
	}
	if l.Kind == NewQuestion && len(l.Practices) == 0 {
		bad.add("practice_0", "Name at least one practice: it becomes what can be ticked.")
	}
}

// target reads the question that the lesson is about.
func (in LessonInput) target() (set, question string) {
	if in.Kind == NewQuestion {
		return "", ""
	}
	set, question, _ = strings.Cut(text.Line(in.Question), "/")
	return set, question
}
