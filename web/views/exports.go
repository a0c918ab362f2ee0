package views

import (
	"orrery/internal/questionnaire"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// roundFiles are the files of a round for machines. A draft has no record: nothing of it is
// frozen.
func roundFiles(r review.Review, round review.RoundLine) []ui.Link {
	of := "?round=" + itoa(round.Number)
	files := []ui.Link{
		{Text: "Answers, CSV", Href: r.Path() + "/answers.csv" + of},
		{Text: "Risks, CSV", Href: r.Path() + "/risks.csv" + of},
		{Text: "Items, CSV", Href: r.Path() + "/items.csv" + of},
	}
	if round.State != review.Draft {
		files = append(files, ui.Link{Text: "JSON", Href: r.Path() + "/record.json" + of})
	}
	return files
}

// mediums lists the questions of a section whose answer is a medium risk.
func mediums(s review.Section) []review.Entry {
	var list []review.Entry
	for _, e := range s.Entries {
		if e.Answer.Risk == questionnaire.RiskMedium {
			list = append(list, e)
		}
	}
	return list
}

// changedElse lists the verdicts that changed since submission and stand against nothing.
func changedElse(r review.Readout) []review.ChangedProof {
	var list []review.ChangedProof
	for _, c := range r.Changed {
		if !c.Proof.Against {
			list = append(list, c)
		}
	}
	return list
}
