package remediation

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

// The states of an acceptance. Ended and Mended are never stored: they follow from the day
// and from what was mended, when it is read.
const (
	Asked     = "asked"
	Granted   = "granted" // runs until the end of its last day
	Ended     = "ended"
	Declined  = "declined"
	Withdrawn = "withdrawn"
	Revoked   = "revoked"
	Replaced  = "replaced" // by a later one of the same question
	Mended    = "mended"   // there is no risk left to accept
)

// endingSoon is how long before its end an acceptance is warned of.
const endingSoon = 30 * 24 * time.Hour

// Acceptance is a risk of one question of a workload that was asked to be accepted: with a
// reason, a control that compensates, and an end. It survives reviews.
type Acceptance struct {
	ID           uuid.UUID
	WorkloadID   uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TeamID       uuid.UUID
	TeamName     string
	Tier         int // of the workload, now
	Restricted   bool
	Question     string // questionnaire/question
	Title        string // of the question, when it was asked
	Risk         string // high, medium
	Href         string // the question in the review it was asked from, a path of ours
	Reason       string
	Control      string // what keeps the risk small meanwhile
	WantedUntil  time.Time
	AskedBy      uuid.UUID
	AskedByName  string
	AskedAt      time.Time
	State        string     // as stored; StateAt says what is true
	Until        *time.Time // the last day; nil until it is granted
	JudgedBy     *uuid.UUID
	JudgedByName string
	JudgedAt     *time.Time
	Note         string // of whoever judged
	ClosedByName string // who withdrew, revoked or replaced it
	ClosedAt     *time.Time
	CloseNote    string
	SettledAt    *time.Time // when the risk was mended
}

// Target is what identity decides on.
func (a Acceptance) Target() identity.Target {
	return identity.Target{WorkloadID: a.WorkloadID, TeamID: a.TeamID, Restricted: a.Restricted}
}

// Path is the address of the acceptance.
func (a Acceptance) Path() string { return "/acceptances/" + a.ID.String() }

// StateAt is the state at a moment.
func (a Acceptance) StateAt(now time.Time) string {
	switch {
	case a.SettledAt != nil && (a.State == Asked || a.State == Granted):
		return Mended
	case a.State == Granted && !now.Before(a.ends()):
		return Ended
	}
	return a.State
}

// Running reports whether the risk is accepted at a moment.
func (a Acceptance) Running(now time.Time) bool { return a.StateAt(now) == Granted }

// Ending reports whether it runs, for 30 days more at most.
func (a Acceptance) Ending(now time.Time) bool {
	return a.Running(now) && !now.Before(a.ends().Add(-endingSoon))
}

// ends is the first moment after the last day. Only what was granted has one.
func (a Acceptance) ends() time.Time { return a.Until.AddDate(0, 0, 1) }

// Covers reports whether what is accepted is no less than the risk.
func (a Acceptance) Covers(risk string) bool { return a.Risk == "high" || risk == "medium" }

// LongestAcceptance is how many days the risk may be accepted for on a workload of the tier.
func LongestAcceptance(risk string, tier int) int {
	switch {
	case risk == "medium":
		return 365
	case tier == 1:
		return 90
	}
	return 180
}

// Bearing is the acceptances of one question as they bear on it at a moment.
type Bearing struct {
	Running *Acceptance
	Asked   *Acceptance
	Past    *Acceptance // the newest that ended, or was declined, withdrawn or revoked
}

// Bearings sorts acceptances, newest first as AcceptancesOf reads them, by question.
func Bearings(list []Acceptance, now time.Time) map[string]Bearing {
	all := map[string]Bearing{}
	for i := range list {
		a := &list[i]
		b := all[a.Question]
		switch a.StateAt(now) {
		case Granted:
			b.Running = a
		case Asked:
			b.Asked = a
		case Ended, Declined, Withdrawn, Revoked:
			if b.Past == nil {
				b.Past = a
			}
		}
		all[a.Question] = b
	}
	return all
}

// AskInput is what a person writes who asks for an acceptance.
type AskInput struct {
	Reason  string
	Control string
	Until   string // 2006-01-02, a working day
}

// Asking is the risk that an acceptance is asked for, as whoever calls has found it.
type Asking struct {
	WorkloadID uuid.UUID
	Tier       int
	Question   string // questionnaire/question
	Title      string
	Risk       string // high, medium
	Href       string
}

// GrantInput is an approver's yes: until the end that was asked for, or an earlier one.
type GrantInput struct {
	Until string // 2006-01-02; empty: as asked for
	Note  string
}

// AcceptanceFilter narrows a list of acceptances. The zero value lists what runs and what is
// asked for.
type AcceptanceFilter struct {
	WorkloadKey string // empty: all
	View        string // Asked, Granted, AcceptancesEnding, Ended (also revoked and the like), "all", or empty
	After       string // cursor from a list before
	Limit       int    // 1 to 100, 50 when 0
}

// AcceptancesEnding as a filter's view lists what ends within 30 days.
const AcceptancesEnding = "ending"

// lastDay reads the last day of an acceptance, and says what is wrong with it.
func lastDay(typed, risk string, tier int, now time.Time) (day time.Time, problem string) {
	if typed == "" {
		return day, "Say until when. An acceptance always ends."
	}
	day, err := time.Parse(time.DateOnly, typed)
	longest := LongestAcceptance(risk, tier)
	last := today(now).AddDate(0, 0, longest)
	switch {
	case err != nil || day.Year() < 2000 || day.Year() > 2200:
		return day, "Write the last day as year-month-day, for example 2026-11-30."
	case day.Before(today(now)):
		return day, "The last day is in the past."
	case day.After(last):
		return day, fmt.Sprintf("A %s risk in tier %d is accepted for %d days at most, so until %s.", risk, tier, longest, workingDay(last, now).Format(longDay))
	case !isWorkingDay(day):
		return day, fmt.Sprintf("That is a %s, when nobody is at work to notice that it ends. Choose %s.", day.Weekday(), workingDay(day, now).Format(longDay))
	}
	return day, ""
}

const longDay = "Monday 2 January 2006"

func isWorkingDay(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// workingDay is the day, or the Friday before it on a weekend; the Monday after when that
// Friday is past.
func workingDay(day, now time.Time) time.Time {
	friday := day
	for !isWorkingDay(friday) {
		friday = friday.AddDate(0, 0, -1)
	}
	if !friday.Before(today(now)) {
		return friday
	}
	for !isWorkingDay(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}
