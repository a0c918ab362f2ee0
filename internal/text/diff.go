package text

import (
	"slices"
	"strings"
	"unicode"
)

// Change says whether a stretch of a difference is in both texts or in one of them.
type Change int

// The changes there are.
const (
	Same Change = iota
	Removed
	Added
)

// Piece is a stretch of a difference between two texts.
type Piece struct {
	Change Change
	Text   string
}

// mostCells is how many pairs of words are compared at once. Longer texts are compared line
// by line, and beyond that as a whole.
const mostCells = 1_000_000

// Diff returns how the old text became the new one, word by word, what was removed before
// what took its place. White space alone is no difference. The pieces that are not added,
// joined, are the words of the old text; those that are not removed are the new text.
func Diff(old, new string) []Piece {
	for _, split := range []func(string) []string{words, lines} {
		a, b := split(old), split(new)
		head := 0
		for head < min(len(a), len(b)) && alike(a[head], b[head]) {
			head++
		}
		tail := 0
		for tail < min(len(a), len(b))-head && alike(a[len(a)-1-tail], b[len(b)-1-tail]) {
			tail++
		}
		left, right := a[head:len(a)-tail], b[head:len(b)-tail]
		if len(left)*len(right) > mostCells {
			continue
		}
		d := pieces{}
		d.all(Same, b[:head])
		d.between(left, right)
		d.all(Same, b[len(b)-tail:])
		return d.list
	}
	d := pieces{}
	d.add(Removed, old)
	d.add(Added, new)
	return d.list
}

// SameWords reports whether the texts differ in white space at most.
func SameWords(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

// words splits a text into words and signs, each with the white space after it.
func words(s string) []string {
	var list []string
	start, last := 0, space
	for i, r := range s {
		k := kindOf(r)
		if r == '.' && i > 0 && i+1 < len(s) && isDigit(s[i-1]) && isDigit(s[i+1]) {
			k = letter // of a number or a version
		}
		if i > 0 && k != space && (k != last || k == sign) {
			list = append(list, s[start:i])
			start = i
		}
		last = k
	}
	if start < len(s) {
		list = append(list, s[start:])
	}
	return list
}

// kind is what a character is to the eye.
type kind int

const (
	space kind = iota
	letter
	sign
)

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func kindOf(r rune) kind {
	switch {
	case unicode.IsSpace(r):
		return space
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '_', r == '\'':
		return letter
	}
	return sign
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.SplitAfter(s, "\n")
}

func alike(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// pieces joins what is added to it where the change is the same.
type pieces struct{ list []Piece }

func (d *pieces) add(c Change, s string) {
	if s == "" {
		return
	}
	if n := len(d.list); n > 0 && d.list[n-1].Change == c {
		d.list[n-1].Text += s
		return
	}
	d.list = append(d.list, Piece{c, s})
}

func (d *pieces) all(c Change, list []string) { d.add(c, strings.Join(list, "")) }

// between adds the difference of two lists by their longest common part.
func (d *pieces) between(a, b []string) {
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width) // of what is left of both from i and j on
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if alike(a[i], b[j]) {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	var removed, added []string
	flush := func() {
		d.all(Removed, removed)
		d.all(Added, added)
		removed, added = nil, nil
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case alike(a[i], b[j]):
			flush()
			d.add(Same, b[j])
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			removed = append(removed, a[i])
			i++
		default:
			added = append(added, b[j])
			j++
		}
	}
	removed, added = append(removed, a[i:]...), append(added, b[j:]...)
	flush()
}
