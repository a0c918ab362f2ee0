package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"orrery/internal/questionnaire"
	"orrery/internal/report/typeset"
	"orrery/internal/review"
)

// label is a status with its word.
type label struct {
	typeset.Status
	word string
}

func status(shape typeset.Shape, color typeset.Color, word string) label {
	return label{typeset.Status{Shape: shape, Color: color}, word}
}

// riskLabel is the status of a risk. One that is not known is unanswered.
func riskLabel(risk string) label {
	switch questionnaire.Risk(risk) {
	case questionnaire.RiskHigh:
		return status(typeset.Triangle, typeset.High, "High")
	case questionnaire.RiskUnmatched:
		return status(typeset.Triangle, typeset.High, "High, no rule fits")
	case questionnaire.RiskMedium:
		return status(typeset.HalfRhomb, typeset.Medium, "Medium")
	case questionnaire.RiskNone:
		return status(typeset.RingTick, typeset.Good, "No risk found")
	case questionnaire.RiskNotApplicable:
		return status(typeset.RingBar, typeset.Quiet, "Not applicable")
	default:
		return status(typeset.DashedRing, typeset.Quiet, "Unanswered")
	}
}

// verdictLabel is the status of a verdict. One that is not known cannot tell.
func verdictLabel(verdict string) label {
	switch verdict {
	case "supports":
		return status(typeset.DiscTick, typeset.Good, "Supports")
	case "contradicts":
		return status(typeset.Octagon, typeset.High, "Contradicts")
	case "mixed":
		return status(typeset.HalfDisc, typeset.Medium, "Mixed")
	case "stale":
		return status(typeset.HatchRing, typeset.Quiet, "Stale")
	default:
		return status(typeset.DashedAsk, typeset.Quiet, "Cannot tell")
	}
}

// outcomeLabel is the status of a decision.
func outcomeLabel(outcome string) label {
	switch outcome {
	case review.Go:
		return status(typeset.DiscArrow, typeset.Good, "Go")
	case review.Conditional:
		return status(typeset.RhombArrow, typeset.Medium, "Conditional go")
	case review.NoGo:
		return status(typeset.OctagonBar, typeset.High, "No-go")
	default:
		return status(typeset.DashedAsk, typeset.Quiet, sentence(outcome))
	}
}

func voiceLabel(voice string) label {
	switch voice {
	case review.Agree:
		return status(typeset.DiscTick, typeset.Good, "Agrees")
	case review.Object:
		return status(typeset.Octagon, typeset.High, "Objects")
	default:
		return status(typeset.DashedAsk, typeset.Quiet, sentence(voice))
	}
}

// choiceLabel is the status of a choice.
func choiceLabel(c review.SnapshotChoice) label {
	switch {
	case c.Chosen:
		return status(typeset.BoxTick, typeset.Ink, "Ticked")
	case c.NotApplicable:
		return status(typeset.BoxBar, typeset.Quiet, "Not applicable")
	default:
		return status(typeset.Box, typeset.StrongLine, "Not ticked")
	}
}

// standing says where the round is.
func (r *report) standing() string {
	switch r.in.State {
	case review.Sealed:
		switch {
		case r.in.Beside.Revoked != nil:
			return "decided and sealed, since revoked"
		case r.ended():
			return "decided and sealed, since ended"
		}
		return "decided and sealed"
	case review.Submitted:
		return "submitted, not decided"
	case review.Cancelled:
		return "cancelled, not decided"
	default:
		return "draft, not submitted"
	}
}

// stamps are the words that every page carries.
func (r *report) stamps() []string {
	words := r.sinceStamps()
	if r.in.State == review.Draft {
		words = append(words, "DRAFT")
	}
	if r.in.Sample {
		words = append(words, "SAMPLE DATA")
	}
	return words
}

// day writes a date, or the date of a time, in words; what is neither stays as it is.
func day(s string) string {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format("2 January 2006")
		}
	}
	return s
}

// shortDay writes a date for a table.
func shortDay(s string) string {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format("2 Jan 2006")
		}
	}
	return s
}

// moment writes a time in words; what is not a time is written as a day.
func moment(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return day(s)
	}
	return instant(t)
}

// clock writes the time of day of a time.
func clock(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	return t.UTC().Format("15:04") + " UTC"
}

func instant(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") + " UTC" }

// sentence turns a word of the record into words for people: "in_progress" is "In progress".
func sentence(s string) string {
	s = strings.ReplaceAll(s, "_", " ")
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// or returns the text, or what to say when nothing of it can be seen.
func or(s, otherwise string) string {
	if typeset.Plain(s) == "" {
		return otherwise
	}
	return s
}

// plural counts things: "1 item", "2 items".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// listed names at most so many and counts the rest: "a, b and 3 more".
func listed(list []string, most int) string {
	if len(list) <= most+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

func tierWords(tier int) string {
	switch tier {
	case 1:
		return "1, critical"
	case 2:
		return "2, important"
	case 3:
		return "3, supporting"
	default:
		return strconv.Itoa(tier)
	}
}

func timingWords(timing string) string {
	switch timing {
	case "before_launch":
		return "Before launch"
	case "after_launch":
		return "After launch"
	default:
		return sentence(timing)
	}
}

// causeWords says where an item comes from and, of a condition, when it is due.
func causeWords(cause, timing string) string {
	words := map[string]string{
		"question": "From a question", "condition": "From a condition", "evidence": "From evidence", "manual": "Added by hand", "incident": "After an incident", "follow_up": "From a follow-up",
	}
	return strings.Join(filled(or(words[cause], sentence(cause)), strings.ToLower(timingWords(timing))), ", ")
}

func shortHash(sum string) string {
	if len(sum) <= 12 {
		return sum
	}
	return sum[:12]
}
