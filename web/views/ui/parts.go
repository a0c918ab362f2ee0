package ui

import (
	"context"
	"io"
	"math"
	"strconv"

	"github.com/a-h/templ"
)

// Count is a figure that leads a page and links to its list. Without Href it
// is only shown.
type Count struct {
	Figure     int
	More       bool // there are more than Figure
	Text, Hint string
	Href       string
}

// Tab is one entry of Tabs or Views; Count is shown when HasCount.
type Tab struct {
	Text, Href string
	Count      int
	HasCount   bool
	Current    bool
}

// PanelProps head a Panel. ID is also the anchor; its heading is ID-h.
type PanelProps struct {
	ID, Title string
	Meta      string // beside the title, quieter
	More      Link   // at the end of the head
	Body      bool   // pad the content; lists and tables bring their own
}

// PagerProps are the ends of one page of a list with a cursor. An empty Href
// shows no link.
type PagerProps struct {
	Text         string // "1 to 50 of 214"
	Newer, Older string // addresses
}

// Definition is a term and what it stands for: Text, or Body when it is more
// than text.
type Definition struct {
	Term, Text string
	Body       templ.Component
}

// Column heads a table's column. Sort is "ascending", "descending" or "" ; Href
// makes the head a link that sorts. Numeric columns align their figures.
type Column struct {
	Text, Href, Sort string
	Numeric          bool
	Hidden           bool // the text is for screen readers only
}

// TableProps describe a table; the rows are its children.
type TableProps struct {
	Caption     string // what the rows are; for screen readers unless ShowCaption
	ShowCaption bool
	Columns     []Column
	Fixed       bool // stays a table on narrow screens (two or three short columns)
}

// Orbit is one section of a review: how many of its questions are answered and
// how many are high.
type Orbit struct {
	Name                  string
	Answered, Total, High int
}

// Rung is one step of the derived risk, best first.
type Rung struct {
	Risk string // as stored, see RiskStatus
	Text string // the condition in words
	Here bool
	Note templ.Component // under the condition, where you are; may be nil
}

// WorkItem is one row of a list to act on; the whole row leads to Href.
type WorkItem struct {
	Kind        Kind // its shape; a kind without one shows none
	Title, Href string
	Meta        string          // the second line
	Due         templ.Component // at the end, often a Date; may be nil
}

// SaveStateKind is what is true of a form's content now.
type SaveStateKind string

// The states of saving. SaveUnsaved is what the script sets when someone types.
const (
	SaveNone     SaveStateKind = "none"
	SaveUnsaved  SaveStateKind = "unsaved"
	SaveBusy     SaveStateKind = "busy"
	SaveDone     SaveStateKind = "saved"
	SaveFailed   SaveStateKind = "failed"
	SaveConflict SaveStateKind = "conflict"
)

func (k SaveStateKind) icon() string {
	switch k {
	case SaveBusy:
		return "busy"
	case SaveDone:
		return "check"
	case SaveFailed, SaveConflict:
		return "contradicts"
	}
	return ""
}

// Side is one of two texts that collided.
type Side struct {
	Title string // "Yours, not saved", "Saved by Mika Laine"
	Meta  string // when, which version
	Text  string // kept with its line breaks; or
	Body  templ.Component
}

// AnswerLine is one question of a check-answers page.
type AnswerLine struct {
	Question, Href string
	Answer         []string        // the ticked choices in words; empty shows "Not provided"
	Missing        []string        // the choices that are not ticked, where a page shows them
	Note           string          // what stands in the notes
	Status         templ.Component // the risk; may be nil
	Change         string          // address that returns to this page; empty shows no link
}

// NoteKind is how loud a Note is.
type NoteKind string

// The kinds of Note.
const (
	NoteInfo   NoteKind = "info"
	NoteMedium NoteKind = "medium"
	NoteHigh   NoteKind = "high"
	NoteGood   NoteKind = "good"
)

func (k NoteKind) class() string {
	switch k {
	case NoteMedium, NoteHigh, NoteGood:
		return "note note-" + string(k)
	}
	return "note"
}

func (k NoteKind) icon() string {
	switch k {
	case NoteMedium:
		return "flag"
	case NoteHigh:
		return "nogo"
	case NoteGood:
		return "check"
	}
	return "info"
}

type bar struct {
	done, total int
	class       string
}

// Render writes the bar; it is decoration, the words stand beside it.
func (b bar) Render(_ context.Context, w io.Writer) error {
	total := max(b.total, 1)
	done := min(max(b.done, 0), total)
	var buf [192]byte
	out := append(buf[:0], `<svg class="`...)
	out = append(out, b.class...)
	out = append(out, `" viewBox="0 0 `...)
	out = strconv.AppendInt(out, int64(total), 10)
	out = append(out, ` 1" preserveAspectRatio="none" aria-hidden="true"><rect class="c-act" width="`...)
	out = strconv.AppendInt(out, int64(done), 10)
	out = append(out, `" height="1"></rect></svg>`...)
	_, err := w.Write(out)
	return err
}

// Bar shows done of total as a short bar. It says nothing to screen readers:
// write "8 of 11" beside it.
func Bar(done, total int) templ.Component { return bar{done, total, "bar bar-s"} }

func wideBar(done, total int) templ.Component { return bar{done, total, "bar"} }

type number struct {
	label string
	n     int
	kind  Kind
}

// Render writes a whole table cell.
func (c number) Render(_ context.Context, w io.Writer) error {
	label := templ.EscapeString(c.label)
	if c.n == 0 {
		return writeAll(w, `<td role="cell" class="n none" data-l="`, label, `"><span class="zero">0</span></td>`)
	}
	open, ok := statusOpen[c.kind]
	if !ok {
		return writeAll(w, `<td role="cell" class="n" data-l="`, label, `">`, itoa(c.n), `</td>`)
	}
	return writeAll(w, `<td role="cell" class="n" data-l="`, label, `">`, open, itoa(c.n), `</span></span></td>`)
}

// Num is a table cell with a figure under the column called label; zeros are
// quiet and leave narrow screens. With a kind the figure has its shape.
func Num(label string, n int, kind Kind) templ.Component { return number{label, n, kind} }

// point is where an orbit's arc ends: share of the circle, clockwise from the top.
func point(radius, share float64) (x, y float64) {
	angle := share * 2 * math.Pi
	return 120 + radius*math.Sin(angle), 120 - radius*math.Cos(angle)
}
