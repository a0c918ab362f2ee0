package views

import (
	"strings"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// itemOf returns the item of a question, or the zero Item.
func (d DecidePage) itemOf(key string) remediation.Item {
	for _, it := range d.Items {
		if it.CauseKind == remediation.CauseQuestion && it.CauseKey == key {
			return it
		}
	}
	return remediation.Item{}
}

// notesShown is how many characters of an answer's notes a list of answers shows.
const notesShown = 200

// answerLines shows the answers of a section; change says whether each leads back to it.
func answerLines(s review.Sheet, section review.Section, change bool) []ui.AnswerLine {
	lines := make([]ui.AnswerLine, 0, len(section.Entries))
	for _, e := range section.Entries {
		line := ui.AnswerLine{Question: e.Question.Title, Href: s.QuestionPath(e), Status: ui.RiskStatus(string(e.Answer.Risk)), Note: clip(e.Answer.Notes, notesShown)}
		if e.Accepted() != nil {
			line.Status = ui.Status(riskStatus(e))
		}
		switch {
		case e.Answer.NotApplicable:
			line.Answer = []string{"Not applicable: " + e.Answer.Reason}
		case e.Answer.Unknown:
			line.Answer = []string{"Do not know"}
		default:
			for _, id := range e.Answer.Chosen {
				line.Answer = append(line.Answer, choiceTitle(e.Question, id))
			}
			for i, id := range e.Answer.NAChoices {
				line.Answer = append(line.Answer, choiceTitle(e.Question, id)+" Not applicable: "+e.Answer.NAReasons[i])
			}
		}
		if change {
			line.Change = s.QuestionPath(e)
		}
		lines = append(lines, line)
	}
	return lines
}

// whyHigh says why an answer counts as high, where the heading says that it does.
func whyHigh(e review.Entry) string {
	return questionnaire.RiskHigh.Beside(e.Question.Explain(e.Answer.Selection()).Sentence)
}

// withMissing shows the answers of a section with the practices that are not ticked, as a
// reader needs who decides.
func withMissing(s review.Sheet, section review.Section) []ui.AnswerLine {
	lines := answerLines(s, section, false)
	for i, e := range section.Entries {
		if a := e.Answer; !a.NotApplicable && !a.Unknown {
			lines[i].Missing = notTicked(e)
		}
	}
	return lines
}

// notTicked lists the practices of a question that are neither ticked nor not applicable;
// none where a tick ends the question.
func notTicked(e review.Entry) (missing []string) {
	for _, c := range e.Question.Choices {
		ticked := e.Answer.Has(c.ID)
		if c.Weight == questionnaire.WeightScope && ticked {
			return nil
		}
		if _, na := e.Answer.NAReason(c.ID); !ticked && !na && !c.None && c.Weight != questionnaire.WeightScope {
			missing = append(missing, c.Title)
		}
	}
	return missing
}

// against is evidence that stands against a tick now, with what it said at submission.
type against struct {
	Entry  review.Entry
	Proof  review.Proof
	Before string
}

func evidenceAgainst(r review.Readout) []against {
	before := map[string]string{}
	for _, section := range r.Content.Sections {
		for _, q := range section.Questions {
			for _, v := range q.Evidence {
				before[section.Questionnaire+"/"+q.ID+"/"+v.Check] = v.Verdict
			}
		}
	}
	var list []against
	for _, e := range r.Entries() {
		for _, p := range e.Proofs {
			if p.Against {
				list = append(list, against{Entry: e, Proof: p, Before: before[e.Key()+"/"+p.Check.ID]})
			}
		}
	}
	return list
}

// cannotTell counts the checks that say nothing now.
func cannotTell(r review.Readout) (n int) {
	for _, e := range r.Entries() {
		for _, p := range e.Proofs {
			if p.State == evidence.CannotTell || p.State == evidence.Stale {
				n++
			}
		}
	}
	return n
}

func readoutFacts(d DecidePage, c review.Counts) []ui.Definition {
	w := d.Content.Workload
	scope := "no AWS account is named, so only people bring evidence"
	if len(w.Accounts) > 0 {
		scope = counted(len(w.Accounts), "account", "accounts") + ", " + counted(len(w.Regions), "Region", "Regions") + ": " + strings.Join(w.Regions, ", ")
	}
	var asked []string
	for _, q := range d.Content.Questionnaires {
		asked = append(asked, q.Name+" "+q.Version)
	}
	return []ui.Definition{
		{Term: "Subject", Text: subject(d.Review) + ", tier " + itoa(d.Tier) + ", " + w.Stage},
		{Term: "Production", Text: scope},
		{Term: "Asked", Text: strings.Join(asked, ", ") + ": " + counted(c.Questions, "question", "questions") + ", " + itoa(c.NotApplicable) + " not applicable"},
		launchFact(w.LaunchOn),
		{Term: "Risks", Text: itoa(c.High) + " high, " + acceptedWords(c) + itoa(c.Medium) + " medium, " + itoa(c.None) + " with no risk found"},
	}
}

// launchFact is the day of launch as the content keeps it, in the form of every day.
func launchFact(day string) ui.Definition {
	on, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ui.Definition{Term: "Launch", Text: "no date is set"}
	}
	return ui.Definition{Term: "Launch", Body: ui.Date(on)}
}

func signOffMeta(d DecidePage) string {
	agree := 0
	for _, s := range d.SignOffs {
		if s.Voice == review.Agree && s.Counts {
			agree++
		}
	}
	words := itoa(agree) + " of " + itoa(d.SignoffsNeeded) + " needed"
	if d.Tier == 1 {
		words += ", one from outside " + d.Workload.TeamName
	}
	return words
}

func roundFacts(r review.RoundLine) []ui.Definition {
	list := []ui.Definition{{Term: "Opened", Body: ui.Time(r.OpenedAt)}}
	if r.SubmittedAt != nil {
		list = append(list, ui.Definition{Term: "Submitted", Body: ui.Time(*r.SubmittedAt)}, ui.Definition{Term: "By", Text: r.SubmittedBy})
	}
	if r.ReturnedAt != nil {
		words := "Withdrawn by " + r.ReturnedBy
		if r.ReturnedNote != "" {
			words = r.ReturnedBy + " asked for changes: " + r.ReturnedNote
		}
		list = append(list, ui.Definition{Term: "Sent back", Text: words})
	}
	if r.SupersededAt != nil {
		list = append(list, ui.Definition{Term: "Upgraded", Body: say("To "+r.SupersededTo+" by "+r.SupersededBy+" on ", ui.Date(*r.SupersededAt), ". The next round began with what was carried.")})
	}
	return list
}

func itemStateWord(state string) string { return strings.ReplaceAll(state, "_", " ") }

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// voiceLine is a sealed voice in words.
func voiceLine(s review.SealedSignOff) string {
	words := s.Person + " agreed"
	if s.Voice == review.Object {
		words = s.Person + " objected"
	}
	if s.OutsideTeam {
		words += ", from outside the team"
	}
	if s.Note != "" {
		words += ": " + s.Note
	}
	return words
}
