package views

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/notify"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/web/views/ui"

	"github.com/a-h/templ"
)

// HomePage is what waits for the reader.
type HomePage struct {
	portfolio.Home
	Now       time.Time
	HasTeam   bool
	CanCreate bool // the reader may add a workload

	Mentions      []portfolio.Mention // not read, the newest first
	MentionsTotal int
	Notices       []notify.Notice     // not read, the newest first
	FollowUps     []incident.FollowUp // open, of the reader's teams
	Lessons       []incident.Lesson   // to judge, for curators
}

// homeShown is how many lines of a list a home shows; the rest is a link away.
const homeShown = portfolio.HomeRows

// Waiting reports whether anything waits for the reader.
func (h HomePage) Waiting() bool {
	return len(h.Drafts)+len(h.Submissions)+len(h.Asked)+len(h.Outside)+len(h.Mend)+len(h.Verify)+len(h.FollowUps)+len(h.Lessons) > 0
}

// lead is the line under the title: the day, and what is late.
func (h HomePage) lead() string {
	day := h.Now.UTC().Format("Monday 2 January 2006.") + " "
	switch {
	case h.OverdueTotal > 0:
		return day + counted(h.OverdueTotal, "item of yours is overdue.", "items of yours are overdue.")
	case h.Waiting():
		return day + "Nothing of yours is overdue."
	}
	return day + "Nothing waits for you."
}

func (h HomePage) counts() []ui.Count {
	anchor := func(n int, id string) string {
		if n == 0 {
			return ""
		}
		return id
	}
	answer := ""
	if h.Ready > 0 {
		answer = counted(h.Ready, "review", "reviews") + " ready to submit"
	} else if h.DraftsTotal > 0 {
		answer = "in " + counted(h.DraftsTotal, "review", "reviews")
	}
	if h.Yours > 0 {
		answer = itoa(h.Yours) + " of them yours"
	}
	waits := ""
	if len(h.Submissions) > 0 {
		waits = "longest for " + ui.Span(h.Now.Sub(h.Submissions[0].SubmittedAt))
	}
	mend := ""
	if h.OverdueTotal > 0 {
		mend = itoa(h.OverdueTotal) + " overdue"
	} else if len(h.Mend) > 0 {
		mend = "next due " + h.Mend[0].DueOn.Format("2 Jan")
	}
	return []ui.Count{
		{Figure: h.Unanswered, Text: "To answer", Hint: answer, Href: anchor(h.DraftsTotal, "#answer")},
		{Figure: h.DecideTotal + h.OutsideTotal, More: h.DecideMore, Text: "To decide", Hint: waits, Href: h.decideAnchor()},
		{Figure: h.MendTotal, Text: "To mend", Hint: mend, Href: anchor(h.MendTotal, "#mend")},
		{Figure: h.VerifyTotal, Text: "To verify", Href: anchor(h.VerifyTotal, "#verify")},
		{Figure: len(h.Ending), Text: "Decisions ending", Hint: "within 30 days", Href: anchor(len(h.Ending), "#ending")},
	}
}

// allToDecide leads to the reviews that wait for a decision, of which only a hundred are counted.
func (h HomePage) allToDecide() ui.Link {
	all := allLink(h.DecideTotal, "/reviews?state=submitted")
	if h.DecideMore {
		all.Text = "All"
	}
	return all
}

// decideAnchor leads to what waits for the reader's decision, empty when nothing does.
func (h HomePage) decideAnchor() string {
	switch {
	case h.DecideTotal > 0:
		return "#decide"
	case h.OutsideTotal > 0:
		return "#elsewhere"
	}
	return ""
}

// outsideItems are the decisions made elsewhere that the reader may confirm.
func outsideItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Outside))
	for _, o := range first(h.Outside) {
		list = append(list, ui.WorkItem{
			Kind: ui.StateWaiting, Title: o.WorkloadName + ": " + strings.ToLower(outcomeWord(o.Outcome)) + " by " + o.DecidedBy,
			Href: "/workloads/" + o.WorkloadKey + "/elsewhere", Meta: o.TeamName + ". Recorded by " + o.RecordedBy + "; it counts once you confirm it.",
			Due: untilDay(o.ValidUntil),
		})
	}
	return list
}

func first[T any](list []T) []T { return list[:min(len(list), homeShown)] }

// allLink leads to the whole list when not all of it is shown.
func allLink(total int, href string) ui.Link {
	if total <= homeShown {
		return ui.Link{}
	}
	return ui.Link{Text: "All " + itoa(total), Href: href}
}

func reviewTitle(workload, kind, change string, round int) string {
	return workload + ": " + typeAndChange(kind, change) + ", round " + itoa(round)
}

func draftItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Drafts))
	for _, d := range first(h.Drafts) {
		item := ui.WorkItem{Title: reviewTitle(d.WorkloadName, d.TypeName, d.ChangeKey, d.Round), Href: "/reviews/" + d.ReviewID.String()}
		switch {
		case d.ToConfirm > 0:
			item.Kind, item.Meta = ui.StateWaiting, draftWaits(d)
		case d.Blocking == 0 && d.Unowned > 0:
			item.Kind, item.Meta, item.Href = ui.StateProgress, "Answered. "+counted(d.Unowned, "high waits", "highs wait")+" to be mended by somebody, or accepted.", item.Href+"/check"
		case d.Ready():
			words := "All questions are answered."
			if d.Unanswered > 0 {
				words = "What must be answered is."
			}
			item.Kind, item.Meta, item.Href = ui.StateDone, words+" Check the answers and submit.", item.Href+"/check"
		case d.Unanswered == d.Questions:
			item.Kind, item.Meta = ui.StateNotStarted, "Not started: "+counted(d.Questions, "question.", "questions.")
		default:
			item.Kind, item.Meta = ui.StateProgress, itoa(d.Unanswered)+" of "+counted(d.Questions, "question", "questions")+" unanswered."
		}
		if d.Yours > 0 && d.Unanswered > 0 {
			item.Meta, item.Href = item.Meta+" You are asked to answer "+itoa(d.Yours)+".", item.Href+"?show=mine#questions"
		}
		if d.ReturnedNote != "" {
			item.Kind, item.Meta = ui.StateReturned, d.ReturnedBy+" asked for changes: "+clip(d.ReturnedNote, 120)
		}
		if d.LaunchOn != nil {
			item.Due = launchDay(*d.LaunchOn, h.Now)
		}
		list = append(list, item)
	}
	return list
}

// draftWaits says what a draft with carried answers waits for.
func draftWaits(d portfolio.Draft) string {
	words := counted(d.ToConfirm, "answer", "answers") + " of before to confirm"
	if d.Unanswered > 0 {
		words += ", " + itoa(d.Unanswered) + " of " + counted(d.Questions, "question", "questions") + " unanswered"
	}
	return words + "."
}

// clip shortens a note to one line.
func clip(s string, limit int) string {
	s = strings.Join(strings.Fields(s), " ")
	r := []rune(s)
	if len(r) <= limit {
		return s
	}
	return strings.TrimSpace(string(r[:limit])) + "…"
}

func submissionItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Submissions))
	for _, s := range first(h.Submissions) {
		item := ui.WorkItem{
			Kind: ui.StateFrozen, Title: reviewTitle(s.WorkloadName, s.TypeName, s.ChangeKey, s.Round),
			Href: "/reviews/" + s.ReviewID.String() + "/decide", Meta: submissionMeta(s), Due: since(s.SubmittedAt, h.Now),
		}
		if s.LaunchOn != nil {
			item.Due = launchDay(*s.LaunchOn, h.Now)
		}
		list = append(list, item)
	}
	return list
}

// submissionMeta says who submitted the round and what the voices say.
func submissionMeta(s portfolio.Submission) string {
	words := s.TeamName + ", tier " + itoa(s.Tier) + ". Submitted by " + s.SubmittedBy + ". " + itoa(s.Agree) + " of " + counted(s.Needed, "sign-off agrees", "sign-offs agree")
	if s.Object > 0 {
		words += ", " + counted(s.Object, "objects", "object")
	}
	if s.Tier == 1 && !s.Outside {
		words += ", nobody from outside the team yet"
	}
	words += "."
	switch s.Voice {
	case review.Agree:
		words += " You agreed."
	case review.Object:
		words += " You objected."
	}
	return words
}

func taskItems(tasks []portfolio.Task, now time.Time) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(tasks))
	for _, t := range first(tasks) {
		item := ui.WorkItem{
			Kind: riskKind(t.Risk), Title: t.Title, Href: "/items/" + t.ID.String(),
			Meta: t.WorkloadName + ". " + causeWord(t.CauseKind, t.Timing) + ".", Due: dueDay(t.DueOn, now),
		}
		if t.Verify {
			item.Kind = ui.StateWaiting
			if t.DoneBy != "" {
				item.Meta = t.WorkloadName + ". Done by " + t.DoneBy + "; another person verifies it."
			}
		} else if t.State == remediation.InProgress {
			item.Meta += " In progress."
		}
		list = append(list, item)
	}
	return list
}

// riskKind is the shape of an item's risk.
func riskKind(risk string) ui.Kind {
	switch risk {
	case "high":
		return ui.RiskHigh
	case "medium":
		return ui.RiskMedium
	}
	return ui.StateNotStarted
}

// causeWord says where an item comes from.
func causeWord(kind, timing string) string {
	switch {
	case kind == remediation.CauseCondition && timing == remediation.BeforeLaunch:
		return "Condition before launch"
	case kind == remediation.CauseCondition:
		return "Condition after launch"
	case kind == remediation.CauseEvidence:
		return "Found by evidence"
	case kind == remediation.CauseQuestion:
		return "Found by a question"
	case kind == remediation.CauseIncident:
		return "Action after an incident"
	case kind == remediation.CauseFollowUp:
		return "Found by a follow-up"
	}
	return "Added by hand"
}

func endingItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Ending))
	for _, l := range first(h.Ending) {
		meta := "No new review is open."
		if l.OpenState != "" {
			meta = l.OpenType + " is open."
		}
		list = append(list, ui.WorkItem{
			Kind: ui.StateWaiting, Title: l.Name + ": " + outcomeWord(l.Outcome), Href: "/workloads/" + l.Key, Meta: meta, Due: endDay(*l.ValidUntil, h.Now),
		})
	}
	return list
}

func standingItems(h HomePage) []ui.WorkItem {
	list := make([]ui.WorkItem, 0, len(h.Standing))
	for _, l := range first(h.Standing) {
		kind, words := decisionOf(l, h.Now)
		list = append(list, ui.WorkItem{
			Kind: kind, Title: l.Name, Href: "/workloads/" + l.Key, Meta: strings.Join(append([]string{words}, standingWords(l)...), ". ") + ".", Due: textOf("Tier " + itoa(l.Tier)),
		})
	}
	return list
}

// decisionOf is the shape and the words of a workload's decision as it stands now.
func decisionOf(l portfolio.Line, now time.Time) (ui.Kind, string) {
	until := ""
	if l.ValidUntil != nil {
		until = " until " + l.ValidUntil.UTC().Format("2 Jan 2006")
	}
	switch {
	case l.Outcome == review.Revoked:
		return ui.DecisionNoGo, "Revoked"
	case l.Ended(now):
		return ui.DecisionExpired, outcomeWord(l.Outcome) + ", ended " + l.ValidUntil.UTC().Format("2 Jan 2006")
	case l.Outcome == review.Go:
		return ui.DecisionGo, "Go" + until
	case l.Outcome == review.Conditional:
		return ui.DecisionConditional, "Conditional go" + until
	case l.Outcome == review.NoGo:
		return ui.DecisionNoGo, "No-go"
	case l.Outcome == review.Emergency:
		return ui.DecisionEmergency, "EMERGENCY go" + until
	case l.Outcome == review.Elsewhere:
		return ui.DecisionConditional, "Decided elsewhere" + until
	}
	return ui.DecisionNone, "No decision yet"
}

// standingWords say what is true now beside the decision.
func standingWords(l portfolio.Line) (words []string) {
	if l.Highs > 0 {
		words = append(words, itoa(l.Highs)+" high open")
	}
	if l.Overdue > 0 {
		words = append(words, itoa(l.Overdue)+" overdue")
	}
	switch l.OpenState {
	case review.Draft:
		words = append(words, "A review is being answered")
	case review.Submitted:
		words = append(words, "A review waits for a decision")
	}
	return words
}

// daysFrom says how far a day is from now when nobody is late for it: "in 3 days",
// "3 days ago".
func daysFrom(day, now time.Time) string {
	words := ui.Until(day, now)
	switch days := strings.TrimSuffix(words, " late"); {
	case days == words:
		return words
	case days == "1 day":
		return "yesterday"
	default:
		return days + " ago"
	}
}

// MayCreate reports whether the actor may add a workload to any team.
func MayCreate(who identity.Actor) bool { return len(who.Teams) > 0 || who.Is(identity.Admin) }

// textOf shows plain words where a component is wanted.
func textOf(words string) templ.Component { return ui.Status("", words) }

// say writes text and components one after the other with exactly the space that is
// written, for sentences with a date or a status within. Each part is a string, which is
// escaped, or a templ.Component.
func say(parts ...any) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, part := range parts {
			switch p := part.(type) {
			case string:
				if _, err := io.WriteString(w, templ.EscapeString(p)); err != nil {
					return err
				}
			case templ.Component:
				if err := p.Render(ctx, w); err != nil {
					return err
				}
			default:
				return fmt.Errorf("say: a part is a %T", part)
			}
		}
		return nil
	})
}
