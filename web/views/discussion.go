package views

import (
	"slices"
	"strings"
	"time"

	"orrery/internal/discussion"
	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// TalkPage is what is said and brought about a target, with a form as it was typed.
type TalkPage struct {
	discussion.Talk
	Form TalkForm
	Now  time.Time
}

// NewThread and NewAttachment name the forms of a TalkForm that belong to no thread.
const (
	NewThread     = "new"
	NewAttachment = "file"
)

// TalkForm is a form that was refused, with what was typed in it.
type TalkForm struct {
	For     string // NewThread, NewAttachment, or the id of the thread that was replied to
	Problem string // why it was refused, when no field says so
	discussion.Input
	discussion.Brought
	Errors ui.FieldErrors
}

// EditPage is the form of one's own comment.
type EditPage struct {
	discussion.Said
	Target   discussion.Target
	Form     string // the body as typed
	Problem  string
	Conflict bool
}

// TalkHome is the page on which a target's talk is read.
func TalkHome(t discussion.Target) string {
	if t.Kind == discussion.OnReview {
		return t.TalkPath()
	}
	return t.Path
}

// CommentAnchor is the fragment of a comment on its page.
func CommentAnchor(id string) string { return "comment-" + id }

// bodyID is the id of a form's text: the one of the refused form is the one that the summary
// of errors leads to.
func (f TalkForm) bodyID(form string) string {
	if f.For == form {
		return ui.FieldID("body")
	}
	return ui.FieldID("body-" + form)
}

// body is what was typed in the form, if it is the refused one.
func (f TalkForm) body(form string) string {
	if f.For == form {
		return f.Body
	}
	return ""
}

func (f TalkForm) problem(form, field string) string {
	if f.For == form {
		return f.Errors.For(field)
	}
	return ""
}

func (f TalkForm) notifies(form, id string) bool {
	return f.For == form && slices.Contains(f.Notify, id)
}

func (t TalkPage) open() []discussion.Thread     { return t.threads(false) }
func (t TalkPage) resolved() []discussion.Thread { return t.threads(true) }

func (t TalkPage) threads(resolved bool) []discussion.Thread {
	var list []discussion.Thread
	for _, h := range t.Threads {
		if (h.State == discussion.Resolved) == resolved {
			list = append(list, h)
		}
	}
	return list
}

// meta sums the threads up.
func (t TalkPage) meta() string {
	if len(t.Threads) == 0 {
		return "none yet"
	}
	return itoa(len(t.open())) + " open, " + itoa(len(t.resolved())) + " resolved"
}

// threadStatus is the state of a thread in words; an open comment needs none.
func threadStatus(h discussion.Thread) (ui.Kind, string) {
	switch h.State {
	case discussion.Challenged:
		return ui.StateProblem, "Challenged by " + h.Starter
	case discussion.Answered:
		return ui.StateWaiting, "Challenge by " + h.Starter + ", answered"
	case discussion.Resolved:
		if h.Kind == discussion.Challenge {
			return ui.StateDone, "Challenge by " + h.Starter + ", resolved by " + h.Mover
		}
		return ui.StateDone, "Resolved by " + h.Mover
	}
	return "", ""
}

// supports are the choices that a file may stand for.
func (t TalkPage) supports() []ui.Option {
	options := []ui.Option{{Value: "", Text: "The whole question"}}
	for _, c := range t.Choices {
		if !c.None {
			options = append(options, ui.Option{Value: c.ID, Text: c.Title})
		}
	}
	return ui.Selected(options, t.Form.Choice)
}

// places are where a file may stand: beside the target, or in a thread that is open.
func (t TalkPage) places() []ui.Option {
	options := []ui.Option{{Value: "", Text: "Beside it, as evidence"}}
	for _, h := range t.open() {
		options = append(options, ui.Option{Value: h.ID.String(), Text: "In the comments that " + h.Starter + " began " + h.StartedAt.Format("2 Jan, 15:04")})
	}
	return ui.Selected(options, t.Form.Thread)
}

// attachmentMeta says what it is, where it belongs, and who brought it.
func (t TalkPage) attachmentMeta(a discussion.Attachment) string {
	var words []string
	switch {
	case a.IsLink():
		words = append(words, "Link")
	case a.IsStatement():
		words = append(words, "Statement, without a file or a link")
	default:
		words = append(words, mediaWord(a.MediaType)+", "+sizeWord(a.Size))
	}
	if a.Choice != "" {
		for _, c := range t.Choices {
			if c.ID == a.Choice {
				words = append(words, `for "`+c.Title+`"`)
			}
		}
	}
	verb := "brought by "
	if a.IsStatement() {
		verb = "by "
	}
	return strings.Join(append(words, verb+a.Adder+" on "+a.AddedAt.Format("2 Jan 2006")), ", ")
}

var mediaWords = map[string]string{
	"application/pdf": "PDF", "image/png": "Picture", "image/jpeg": "Picture", "image/gif": "Picture", "image/webp": "Picture",
	"application/zip": "Archive", "application/json": "JSON", "text/csv": "Table",
}

func mediaWord(media string) string {
	switch word, ok := mediaWords[media]; {
	case ok:
		return word
	case strings.HasPrefix(media, "text/"):
		return "Text"
	}
	return "Document"
}

// sizeWord says a size in its largest unit.
func sizeWord(n int) string {
	switch {
	case n >= 1<<20:
		return itoa(n>>20) + "." + itoa(n%(1<<20)*10>>20) + " MB"
	case n >= 1<<10:
		return itoa(n>>10) + " kB"
	}
	return counted(n, "byte", "bytes")
}

// removedWords say who took something away, and when.
func removedWords(a discussion.Attachment) string {
	words := a.Name + " was removed by " + a.Remover + " on " + a.RemovedAt.Format("2 Jan 2006")
	if a.Kept && !a.IsLink() {
		return words + "; a decided round keeps it:"
	}
	return words + "."
}

// tallyWords say what is said and brought about a question in a list; empty when nothing is.
func tallyWords(t discussion.Tally) string {
	var words []string
	if t.Comments > 0 {
		words = append(words, counted(t.Comments, "comment", "comments"))
	}
	if t.Attachments > 0 {
		words = append(words, counted(t.Attachments, "piece of evidence", "pieces of evidence")+" from people")
	}
	return strings.Join(words, ", ")
}

// openChallengeCount counts the challenges of a review that are not resolved.
func openChallengeCount(s review.Sheet) int {
	n := s.Talk.OpenChallenges
	for _, e := range s.Challenged() {
		n += e.OpenChallenges
	}
	return n
}

// mentionMeta is the second line of a mention.
func mentionMeta(m portfolio.Mention) string {
	words := m.WorkloadName + ": " + clip(m.Body, 140)
	if m.Challenge {
		words = "A challenge. " + words
	}
	return words
}

// mentionsMeta says when there are more than are listed.
func (h HomePage) mentionsMeta() string {
	if h.MentionsTotal > len(h.Mentions) {
		return "the newest " + itoa(len(h.Mentions)) + " of " + itoa(h.MentionsTotal)
	}
	return ""
}

func (h HomePage) readWords() string {
	if len(h.Mentions) == 1 {
		return "Mark it as read"
	}
	return "Mark these " + itoa(len(h.Mentions)) + " as read"
}

// joinNames writes names as a sentence does.
func joinNames(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func resolveWord(h discussion.Thread) string {
	if h.State == discussion.Challenged {
		return "Take the challenge back"
	}
	return "Resolve"
}
