package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orrery/internal/fault"
	"orrery/internal/text"
)

const (
	maxText   = 10_000
	maxCauses = 20
)

// fields collects what is wrong with a form.
type fields []fault.Field

func (f *fields) add(name, message string) {
	*f = append(*f, fault.Field{Name: name, Message: message})
}

func (f *fields) fit(name, value string, most int) string {
	if n := utf8.RuneCountInString(value); n > most {
		f.add(name, fmt.Sprintf("This has %d characters; at most %d are allowed.", n, most))
	}
	return value
}

// need is fit for what may not be empty.
func (f *fields) need(name, value, missing string, most int) string {
	if value == "" {
		f.add(name, missing)
	}
	return f.fit(name, value, most)
}

func (f *fields) address(name, value string) string {
	value = text.Line(value)
	if value != "" && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") {
		f.add(name, "Write a whole address that starts with https:// or http://.")
	}
	return f.fit(name, value, 500)
}

// listOf cleans a list, of which each entry is a line, and drops empty ones.
func (f *fields) listOf(name string, list []string, most, longest int) []string {
	out := []string{}
	for _, s := range list {
		if s = text.Line(s); s != "" && !slices.Contains(out, s) {
			out = append(out, f.fit(name, s, longest))
		}
	}
	if len(out) > most {
		f.add(name, fmt.Sprintf("At most %d lines are allowed.", most))
	}
	return out
}

// apply checks the input and sets what it says of the incident; workloads, question and
// related incidents are looked up by the caller.
func (in Input) apply(i *Incident, now time.Time) (bad fields) {
	i.Title = bad.need("title", text.Line(in.Title), "Give the incident a title.", 200)
	var err error
	if i.Severity, err = strconv.Atoi(in.Severity); err != nil || i.Severity < 1 || i.Severity > 4 {
		bad.add("severity", "Choose a severity from 1 to 4.")
	}
	i.Link = bad.address("link", in.Link)
	i.Summary = bad.fit("summary", text.Clean(in.Summary), maxText)
	i.Impact = bad.fit("impact", text.Clean(in.Impact), maxText)
	i.Scenario = bad.fit("scenario", text.Clean(in.Scenario), maxText)
	i.Change = bad.fit("change", text.Clean(in.Change), maxText)
	i.WhyNotCaught = bad.fit("why_not_caught", text.Clean(in.WhyNotCaught), maxText)
	i.Causes = bad.listOf("causes", in.Causes, maxCauses, 1000)
	if i.Answered = in.Answered; !slices.Contains([]string{"", NotAsked, AnsweredRight, AnsweredWrong}, i.Answered) {
		bad.add("answered", "Choose one of the answers.")
	}
	in.times(i, now, &bad)
	return bad
}

// times reads the four key times, which follow each other.
func (in Input) times(i *Incident, now time.Time, bad *fields) {
	last, lastWord := time.Time{}, ""
	for _, one := range []struct {
		name, word, typed string
		to                **time.Time
	}{
		{"started_at", "start", in.Started, &i.StartedAt}, {"detected_at", "detection", in.Detected, &i.DetectedAt},
		{"mitigated_at", "mitigation", in.Mitigated, &i.MitigatedAt}, {"resolved_at", "end", in.Resolved, &i.ResolvedAt},
	} {
		*one.to = nil
		if text.Line(one.typed) == "" {
			continue
		}
		t, err := moment(one.typed)
		switch {
		case err != nil || t.Year() < 2000 || t.Year() > 2200:
			bad.add(one.name, "Write the time in UTC as year-month-day and hour:minute, for example 2026-11-21T09:30.")
			continue
		case t.After(now):
			bad.add(one.name, "This time is still to come. All times are UTC.")
		case t.Before(last):
			bad.add(one.name, "The "+one.word+" comes after the "+lastWord+", or at the same time.")
		}
		last, lastWord = t, one.word
		*one.to = &t
	}
}

// moment reads a time to the minute: in UTC as people type it, or as programs write it.
func moment(typed string) (time.Time, error) {
	typed = text.Line(typed)
	if t, err := time.Parse(time.RFC3339, typed); err == nil {
		return t.UTC().Truncate(time.Minute), nil
	}
	return time.Parse("2006-01-02T15:04", strings.Replace(typed, " ", "T", 1))
}

// Missing says what is missing before the incident may be closed, in the order of its form.
// What is missing of its actions is named "actions".
func (i Incident) Missing() []fault.Field {
	var bad fields
	bad.need("summary", i.Summary, "Say in a few sentences what happened.", maxText)
	bad.need("impact", i.Impact, "Say who noticed what, and for how long.", maxText)
	for _, one := range []struct {
		name, message string
		at            *time.Time
	}{
		{"started_at", "Say when it started.", i.StartedAt}, {"detected_at", "Say when it was detected.", i.DetectedAt},
		{"mitigated_at", "Say when it was mitigated.", i.MitigatedAt}, {"resolved_at", "Say when it was resolved.", i.ResolvedAt},
	} {
		if one.at == nil {
			bad.add(one.name, one.message)
		}
	}
	if len(i.Causes) == 0 {
		bad.add("causes", "Name at least one cause.")
	}
	for _, a := range i.Actions {
		if a.Item == nil {
			bad.add("actions", "Every action needs an owner. Nobody owns: "+text.Cut(a.Title))
		}
	}
	return bad
}
