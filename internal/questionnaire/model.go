// Package questionnaire reads, scores, lints, explains, compares and writes sets of
// questions. Two formats are read: our own YAML, and the AWS Well-Architected Tool's
// custom lens JSON. This half of the package is pure: bytes in, values out. It opens no
// file, no network and no database.
package questionnaire

import (
	"slices"
	"time"
)

// Risk is what an answer to one question amounts to.
type Risk string

// The risks an answer may have. RiskUnmatched means that no rule of the question fits
// the selection: AWS leaves it undefined, we show it and count it as high.
const (
	RiskNone          Risk = "none"
	RiskMedium        Risk = "medium"
	RiskHigh          Risk = "high"
	RiskUnanswered    Risk = "unanswered"
	RiskNotApplicable Risk = "not_applicable"
	RiskUnmatched     Risk = "unmatched"
)

// CountsAsHigh reports whether the risk is to be treated as high: high itself, and an
// answer that no rule fits.
func (r Risk) CountsAsHigh() bool { return r == RiskHigh || r == RiskUnmatched }

// Label returns the risk in the words of a page, in lower case: "no risk found",
// "medium", "high", "unanswered", "not applicable", "no rule fits".
func (r Risk) Label() string {
	switch r {
	case RiskNone:
		return "no risk found"
	case RiskNotApplicable:
		return "not applicable"
	case RiskUnmatched:
		return "no rule fits"
	default:
		return string(r)
	}
}

// rank orders the risks that rules give: none 0, medium 1, high and unmatched 2.
func (r Risk) rank() int {
	switch r {
	case RiskNone:
		return 0
	case RiskMedium:
		return 1
	default:
		return 2
	}
}

// Format is the file format a questionnaire was read from.
type Format string

// The formats. FormatYAML is our own; the same keys are also read as JSON.
const (
	FormatYAML Format = "yaml"
	FormatAWS  Format = "aws"
)

// Phase is when in a workload's life a question is asked. The empty phase, which only
// files without phases have (every AWS lens), means at any time.
type Phase string

// The phases.
const (
	PhaseDesign Phase = "design"
	PhaseBuild  Phase = "build"
	PhaseLaunch Phase = "launch"
)

// Weight is what a choice counts for when rules are generated from weights.
type Weight string

// The weights. One ticked scope choice ends the question without risk; core choices are
// needed to avoid the question's worst risk; one alternative of each group is enough;
// extra choices are needed only for no risk.
const (
	WeightScope       Weight = "scope"
	WeightCore        Weight = "core"
	WeightAlternative Weight = "alternative"
	WeightExtra       Weight = "extra"
)

// Questionnaire is one version of a set of questions, as read from a file. It is
// immutable after Parse and safe for use by several goroutines.
type Questionnaire struct {
	Key         string // stable name of the set, [a-z0-9-]{2,40}; made from the file's name for an AWS lens
	Name        string // at most 128 characters
	Version     string // major.minor.patch; an AWS lens has none of its own and is read as 1.0.0
	Description string
	Edition     string // edition of the framework its lineage refers to, such as "2024-11-06"
	Minutes     int    // how long answering takes, whole set; 0 when not said
	Sections    []Section
	Format      Format

	source   []byte    // the bytes it was read from
	warnings []Problem // found while reading
	at       place
	list     []*Question
	byID     map[string]*Question
}

// Question returns the question with the id. It takes constant time.
func (q *Questionnaire) Question(id string) (*Question, bool) {
	found, ok := q.byID[id]
	return found, ok
}

// Questions returns all questions in the order of the file. The slice is shared: do not
// change it.
func (q *Questionnaire) Questions() []*Question { return q.list }

// index fills the caches behind Question and Questions.
func (q *Questionnaire) index() {
	q.list, q.byID = nil, make(map[string]*Question)
	for i := range q.Sections {
		for j := range q.Sections[i].Questions {
			question := &q.Sections[i].Questions[j]
			q.list = append(q.list, question)
			q.byID[question.ID] = question
		}
	}
}

// Section is a titled group of questions (a pillar in an AWS lens).
type Section struct {
	ID, Name, Description string
	Questions             []Question

	at place
}

// Question asks one thing. Its choices are ticked, its rules turn the ticks into a risk.
type Question struct {
	ID                string
	Section           string // id of its section
	Title             string
	Description       string
	Why               string // why it matters
	Good              string // what good looks like
	NotApplicableWhen string
	Bring             []string // evidence to have at hand
	Phase             Phase
	CorePath          bool  // part of the short path
	MaxRisk           Risk  // the worst risk an insufficient answer has: high, medium, or none when no rule declares a risk
	Tiers             []int // the tiers it is asked of; empty means all
	Tags              []string
	Lineage           []string // ids of the best practices it stems from
	Links             []Link
	HelpfulResource   *Link // an AWS lens's own help for the question
	Choices           []Choice
	Checks            []Check
	Rules             []Rule // from top to bottom, the first that holds decides
	Weighted          bool   // the rules are generated from the weights of the choices

	at       place
	position map[string]int // place of each choice
}

// AppliesTo reports whether the question is asked of workloads of the tier (1 to 3).
func (q *Question) AppliesTo(tier int) bool {
	return len(q.Tiers) == 0 || slices.Contains(q.Tiers, tier)
}

// Choice returns the choice with the id.
func (q *Question) Choice(id string) (*Choice, bool) {
	i, ok := q.place(id)
	if !ok {
		return nil, false
	}
	return &q.Choices[i], true
}

// NoneChoice returns the "None of these" choice, if the question has one.
func (q *Question) NoneChoice() (*Choice, bool) {
	for i := range q.Choices {
		if q.Choices[i].None {
			return &q.Choices[i], true
		}
	}
	return nil, false
}

func (q *Question) place(id string) (int, bool) {
	i, ok := q.position[id]
	return i, ok
}

// Choice is one statement that can be ticked.
type Choice struct {
	ID, Title       string
	Weight          Weight // empty where rules are written out, and on the none-of-these choice
	Group           string // of an alternative: one ticked choice of the group is enough
	Why, Good       string
	FirstStep       Step   // what to do first; an AWS lens's improvement plan
	Risk            string // the best practice's own level, a fact: high, medium, low or empty
	WAToolID        string // the Well-Architected Tool's id of the choice
	Lineage         []string
	Links           []Link
	None            bool         // the none-of-these choice: its id ends in _no, or its title says so
	HelpfulResource *Link        // an AWS lens's own help for the choice
	Additional      []Additional // an AWS lens's additional resources

	at place
}

// Step is what to do first to make a choice true, with an optional address.
type Step struct{ Text, URL string }

// Link is a text with an address. The address is empty or starts with http:// or https://.
type Link struct{ Text, URL string }

// Additional is one list of resources beside a choice in an AWS lens.
type Additional struct {
	Kind    string // helpful_resource or improvement_plan
	Content []Link
}

// Check says how facts from AWS bear on a choice.
type Check struct {
	ID      string // unique in its question
	Choice  string // id of the choice it bears on
	Source  string // securityhub.control and the like: see checkSourceTable
	Key     string // what to look at in the source: a control id, a rule's name, an event's name
	Expect  string // all_pass, any_pass, seen_within or not_seen_within
	Claim   string // what is claimed when the expectation is met
	Edition string
	Level   string        // resource or account
	Within  time.Duration // with seen_within and not_seen_within: how far back
	MaxAge  time.Duration // an older fact is stale

	digest string
	at     place
}

// Rule gives a risk to the selections its condition holds for.
type Rule struct {
	Condition string // "default", or an expression over choice ids with && || ! ( )
	Risk      Risk

	expr *expr
	at   place
}

// Selection is an answer to one question, as far as it is scored.
type Selection struct {
	Chosen               []string // ids of the ticked choices, in any order; unknown ids are ignored
	NotApplicable        bool     // the whole question does not apply
	ChoicesNotApplicable []string // choices that do not apply; they win over Chosen
	Unknown              bool     // "do not know": high until someone finds out
}
