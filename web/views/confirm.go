package views

import (
	"strings"
	"time"

	"orrery/internal/review"
)

// answeredWords sums a review's questions up.
func answeredWords(c review.Counts) string {
	return itoa(c.Answered) + " of " + itoa(c.Questions) + " questions answered" + toConfirmWords(c) + ". Any order is fine."
}

// toConfirmWords adds what waits to be confirmed, if anything does.
func toConfirmWords(c review.Counts) string {
	if c.ToConfirm == 0 {
		return ""
	}
	return ", " + itoa(c.ToConfirm) + " to confirm"
}

// blockedWords says why questions block submission.
func blockedWords(list []review.Blocker) string {
	var open, confirm, unowned int
	for _, b := range list {
		switch {
		case b.Unowned:
			unowned++
		case b.ToConfirm:
			confirm++
		default:
			open++
		}
	}
	switch len(list) {
	case open:
		return "Each is unanswered. "
	case confirm:
		return "Each is to be confirmed. "
	case unowned:
		return "Each is a high that is neither accepted nor asked to be. Submitting asks who mends it, and by when. "
	}
	var parts []string
	for _, p := range []struct {
		n     int
		words string
	}{{open, "unanswered"}, {confirm, "to be confirmed"}, {unowned, "high to name an owner for"}} {
		if p.n > 0 {
			parts = append(parts, itoa(p.n)+" "+p.words)
		}
	}
	return strings.Join(parts, ", ") + ". "
}

// nextBlocker leads to where the first of what blocks is mended.
func nextBlocker(b review.Blocker) string {
	if b.Unowned {
		return "Name who mends it"
	}
	return "Answer the next one"
}

// saveWords is what the button that goes on says.
func saveWords(q review.QuestionPage) string {
	words := "Save and "
	if q.Entry.Answer.ToConfirm {
		words = "Confirm and "
	}
	if q.Next == "" {
		return words + "return to the review"
	}
	return words + "next"
}

// meetingWords begin the sentence on the day of a meeting, which may be over.
func meetingWords(day, now time.Time) string {
	if day.Before(now.UTC().Truncate(24 * time.Hour)) {
		return "The meeting was on "
	}
	return "The meeting is on "
}

// nextReview is the day by which the next review is due: 30 days before a decision ends.
func nextReview(validUntil time.Time) time.Time { return validUntil.AddDate(0, 0, -30) }

// beforeWords says who answered before, when, and what was asked.
func beforeWords(b *review.Before) string {
	words := "Answered by " + orElse(b.SavedBy, "somebody")
	if b.SavedAt != nil {
		words += " on " + b.SavedAt.UTC().Format("2 January 2006")
	}
	words += " for " + b.Set + " " + b.Number
	if b.Workload != "" {
		words += ", from " + b.Team + ": " + b.Workload
	}
	return words + "."
}

// leftBehind reports whether something of the earlier answer was not carried.
func leftBehind(b *review.Before) bool {
	return b.Notes != "" || b.NotApplicable || len(b.NAChoices) > 0
}

// atOnceWords names what one button confirms.
func atOnceWords(t review.ToConfirm) string {
	if t.AtOnce == len(t.Entries) {
		return "Confirm all " + itoa(t.AtOnce)
	}
	return "Confirm the " + itoa(t.AtOnce) + " unchanged"
}
