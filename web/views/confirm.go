package views

import (
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
	confirm := 0
	for _, b := range list {
		if b.ToConfirm {
			confirm++
		}
	}
	switch open := len(list) - confirm; {
	case confirm == 0:
		return "Each is unanswered. "
	case open == 0:
		return "Each is to be confirmed. "
	default:
		return itoa(open) + " unanswered, " + itoa(confirm) + " to be confirmed. "
	}
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
