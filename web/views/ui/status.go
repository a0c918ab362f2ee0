package ui

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// Kind is what a status stands for. Each has its own shape and a colour class;
// the words are the caller's or come from RiskStatus and its like.
type Kind string

// The kinds of status, by what they speak of.
const (
	RiskNone          Kind = "risk-none"
	RiskMedium        Kind = "risk-medium"
	RiskHigh          Kind = "risk-high"
	RiskUnanswered    Kind = "risk-unanswered"
	RiskNotApplicable Kind = "risk-not-applicable"
	RiskUnmatched     Kind = "risk-unmatched"

	VerdictSupports    Kind = "supports"
	VerdictContradicts Kind = "contradicts"
	VerdictMixed       Kind = "mixed"
	VerdictCannotTell  Kind = "cannot-tell"
	VerdictStale       Kind = "stale"

	DecisionGo          Kind = "go"
	DecisionConditional Kind = "conditional"
	DecisionNoGo        Kind = "no-go"
	DecisionHold        Kind = "hold"
	DecisionNone        Kind = "decision-none"
	DecisionEmergency   Kind = "emergency"
	DecisionExpired     Kind = "expired"

	StateNotStarted Kind = "not-started"
	StateProgress   Kind = "progress"
	StateDone       Kind = "done"
	StateVerified   Kind = "verified"
	StateProblem    Kind = "problem"
	StateWaiting    Kind = "waiting"
	StateFrozen     Kind = "frozen"
	StateSealed     Kind = "sealed"
	StateReturned   Kind = "returned"
	StateCancelled  Kind = "cancelled"
	StateBusy       Kind = "busy"
)

// looks gives each kind its icon and its colour class.
var looks = map[Kind]struct{ icon, class string }{
	RiskNone:          {"none", "quiet"},
	RiskMedium:        {"medium", "medium"},
	RiskHigh:          {"high", "high"},
	RiskUnanswered:    {"unanswered", "quiet"},
	RiskNotApplicable: {"na", "quiet"},
	RiskUnmatched:     {"ask", "high"},

	VerdictSupports:    {"supports", "good"},
	VerdictContradicts: {"contradicts", "high"},
	VerdictMixed:       {"mixed", "medium"},
	VerdictCannotTell:  {"cannot", "quiet"},
	VerdictStale:       {"clock", "quiet"},

	DecisionGo:          {"go", "good"},
	DecisionConditional: {"conditional", "medium"},
	DecisionNoGo:        {"nogo", "high"},
	DecisionHold:        {"hold", "medium"},
	DecisionNone:        {"unanswered", "quiet"},
	DecisionEmergency:   {"emergency", "high"},
	DecisionExpired:     {"clock", "medium"},

	StateNotStarted: {"unanswered", "quiet"},
	StateProgress:   {"progress", "act"},
	StateDone:       {"none", "quiet"},
	StateVerified:   {"supports", "quiet"},
	StateProblem:    {"contradicts", "high"},
	StateWaiting:    {"clock", "quiet"},
	StateFrozen:     {"lock", "act"},
	StateSealed:     {"lock", "quiet"},
	StateReturned:   {"back", "medium"},
	StateCancelled:  {"cross", "quiet"},
	StateBusy:       {"busy", "act"},
}

var statusOpen = func() map[Kind]string {
	open := make(map[Kind]string, len(looks))
	for kind, look := range looks {
		open[kind] = `<span class="st ` + look.class + `">` + iconMarkup(look.icon) + `<span>`
	}
	return open
}()

const plainStatus = `<span class="st"><span>`

// status is written in Go: lists hold hundreds of them.
type status struct {
	kind Kind
	text string
}

// Render writes the shape and the word.
func (s status) Render(_ context.Context, w io.Writer) error {
	open, ok := statusOpen[s.kind]
	if !ok {
		open = plainStatus
	}
	return writeAll(w, open, templ.EscapeString(s.text), "</span></span>")
}

// Status shows the shape of a kind and a word beside it; an unknown kind shows
// the word alone.
func Status(kind Kind, text string) templ.Component { return status{kind, text} }

// RiskStatus shows a stored risk ("none", "medium", "high", "unanswered",
// "not_applicable", "unmatched") in the product's words. Anything else is
// shown as it is, so that nothing unknown ever looks fine.
func RiskStatus(risk string) templ.Component {
	if s, ok := risks[risk]; ok {
		return s
	}
	return status{"", risk}
}

// RiskWord is the word RiskStatus shows, for titles and plain text.
func RiskWord(risk string) string {
	if s, ok := risks[risk]; ok {
		return s.text
	}
	return risk
}

var risks = map[string]status{
	"none":           {RiskNone, "No risk found"},
	"medium":         {RiskMedium, "Medium"},
	"high":           {RiskHigh, "High"},
	"unanswered":     {RiskUnanswered, "Unanswered"},
	"not_applicable": {RiskNotApplicable, "Not applicable"},
	"unmatched":      {RiskUnmatched, "No rule fits, counts as high"},
}

// VerdictStatus shows a verdict of an evidence check ("supports",
// "contradicts", "mixed", "cannot_tell", "stale").
func VerdictStatus(verdict string) templ.Component {
	if s, ok := verdicts[verdict]; ok {
		return s
	}
	return status{"", verdict}
}

var verdicts = map[string]status{
	"supports":    {VerdictSupports, "Supports"},
	"contradicts": {VerdictContradicts, "Contradicts"},
	"mixed":       {VerdictMixed, "Mixed"},
	"cannot_tell": {VerdictCannotTell, "Cannot tell"},
	"stale":       {VerdictStale, "Stale"},
}

// DecisionStatus shows the outcome of a decision or of the launch gate ("go",
// "conditional", "no_go", "hold", "emergency", "expired", "revoked", "decided_elsewhere"; "none", "unknown"
// and "" mean that nothing is decided).
func DecisionStatus(outcome string) templ.Component {
	if s, ok := decisions[outcome]; ok {
		return s
	}
	return status{"", outcome}
}

// DecisionWord is the word DecisionStatus shows, for where a note's own sign says the rest.
func DecisionWord(outcome string) string {
	if s, ok := decisions[outcome]; ok {
		return s.text
	}
	return outcome
}

var decisions = map[string]status{
	"go":          {DecisionGo, "Go"},
	"conditional": {DecisionConditional, "Conditional go"},
	"no_go":       {DecisionNoGo, "No-go"},
	"hold":        {DecisionHold, "Hold"},
	"emergency":   {DecisionEmergency, "EMERGENCY go"},
	"expired":     {DecisionExpired, "Expired"},
	"revoked":     {DecisionNoGo, "Revoked"},

	"decided_elsewhere": {DecisionConditional, "Decided elsewhere"},

	"none":    {DecisionNone, "No decision yet"},
	"unknown": {DecisionNone, "No decision yet"},
	"":        {DecisionNone, "No decision yet"},
}

// shapes are the icons of the kinds in their colours, without a word.
var shapes = func() map[Kind]templ.Component {
	all := make(map[Kind]templ.Component, len(looks))
	for kind, look := range looks {
		all[kind] = markup(strings.Replace(iconMarkup(look.icon), `class="i"`, `class="i `+look.class+`"`, 1))
	}
	return all
}()

// shape is the icon of a kind; a kind without one keeps its place in a grid.
func shape(kind Kind) templ.Component {
	if one, ok := shapes[kind]; ok {
		return one
	}
	return markup("<span></span>")
}

func writeAll(w io.Writer, parts ...string) error {
	for _, part := range parts {
		if _, err := io.WriteString(w, part); err != nil {
			return err
		}
	}
	return nil
}
