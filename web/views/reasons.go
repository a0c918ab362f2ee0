package views

import "strings"

const (
	foldedFrom = 480 // characters from which a reason is folded
	shownOf    = 160 // of a folded one
)

// beginning is the beginning of a text that is too long, or has too many lines, to stand on a
// page as it is.
func beginning(text string) (head string, folded bool) {
	if len([]rune(text)) <= foldedFrom && strings.Count(text, "\n") < 8 {
		return "", false
	}
	return clip(text, shownOf), true
}
