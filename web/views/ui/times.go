package ui

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

type moment struct {
	t      time.Time
	layout string
}

// Render writes a time element, or a dash with its meaning when there is none.
func (m moment) Render(_ context.Context, w io.Writer) error {
	if m.t.IsZero() {
		_, err := io.WriteString(w, `<span class="zero">none</span>`)
		return err
	}
	var buf [96]byte
	b := append(buf[:0], `<time datetime="`...)
	t := m.t.UTC()
	if m.layout == dateLayout {
		b = t.AppendFormat(b, time.DateOnly)
	} else {
		b = t.AppendFormat(b, time.RFC3339)
	}
	b = append(b, `">`...)
	b = t.AppendFormat(b, m.layout)
	b = append(b, "</time>"...)
	_, err := w.Write(b)
	return err
}

const (
	dateLayout = "2 Jan 2006"
	timeLayout = "2 Jan 2006, 15:04"
)

// Time shows a moment in UTC to the minute, "2 Nov 2026, 10:05". The zero time
// shows as "none".
func Time(t time.Time) templ.Component { return moment{t, timeLayout} }

// Date shows a day in UTC, "2 Nov 2026". The zero time shows as "none".
func Date(t time.Time) templ.Component { return moment{t, dateLayout} }

// Age is how old a fact is in one unit, "4 h old", as it stands beside it.
func Age(d time.Duration) string { return Span(d) + " old" }

// Span is a length of time in its largest whole unit: "under a minute",
// "5 min", "4 h", "19 days". Hours go up to two days, since limits of
// freshness are near 30 hours. A negative one counts as its absolute value.
func Span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute:
		return "under a minute"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days"
}

// Until says how far a day is from now in whole UTC days: "today", "tomorrow",
// "in 3 days", "1 day late", "3 days late". It is a second line beside a date,
// never the only one.
func Until(day, now time.Time) string {
	const length = 24 * time.Hour
	n := int(day.UTC().Truncate(length).Sub(now.UTC().Truncate(length)) / length)
	switch {
	case n == 0:
		return "today"
	case n == 1:
		return "tomorrow"
	case n > 1:
		return "in " + strconv.Itoa(n) + " days"
	case n == -1:
		return "1 day late"
	}
	return strconv.Itoa(-n) + " days late"
}
