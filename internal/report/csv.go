package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"orrery/internal/questionnaire"
	"orrery/internal/review"
	cleaned "orrery/internal/text"
)

// The tables of a round for spreadsheets and scripts, as RFC 4180 has them: UTF-8, lines
// that end in CR LF, a header whose columns stay in their order (new ones are added at the
// end). Every row names its round, so that tables of many rounds can stand below each other.
// Lists within a cell have a line each. Cells that a spreadsheet would compute get an
// apostrophe in front; see text.Cell.

var roundHeader = []string{"workload", "review_type", "change", "round", "state", "content_sha256"}

func roundCells(in Input) []string {
	r := in.Snapshot.Review
	return []string{in.Snapshot.Workload.Key, r.Type, r.ChangeKey, strconv.Itoa(r.Round), in.State, in.ContentSHA256}
}

// table writes a table with the columns of the round in front.
func table(w io.Writer, in Input, header []string, rows [][]string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(append(roundHeader[:len(roundHeader):len(roundHeader)], header...)) // Error below has it
	round := roundCells(in)
	for _, row := range rows {
		cells := append(round[:len(round):len(round)], row...)
		for i := range cells {
			cells[i] = cleaned.Cell(cells[i])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// AnswersCSV writes a row for each question, with its answer and what evidence says to it.
func AnswersCSV(w io.Writer, in Input) error {
	var rows [][]string
	for _, s := range in.Snapshot.Sections {
		for _, q := range s.Questions {
			rows = append(rows, []string{
				s.Questionnaire, s.Name, q.ID, q.Title, yes(q.Required), q.Risk, q.Explanation, answerState(q), choices(q, isTicked),
				choices(q, isMissing), notApplicable(q), q.Notes, q.AnsweredBy, q.AnsweredAt, verdicts(q), yes(contradicted(q)),
			})
		}
	}
	return table(w, in, []string{
		"questionnaire", "section", "question", "title", "required", "risk", "explanation", "answer", "ticked",
		"not_ticked", "not_applicable", "notes", "answered_by", "answered_at", "evidence", "evidence_against",
	}, rows)
}

// RisksCSV writes a row for each question with a medium or high risk: what is missing, who
// mends it and by when.
func RisksCSV(w io.Writer, in Input) error {
	owners := ownersOf(in.items(), in.Snapshot.Sections)
	var rows [][]string
	for _, s := range in.Snapshot.Sections {
		for _, q := range s.Questions {
			if risk := questionnaire.Risk(q.Risk); !risk.CountsAsHigh() && risk != questionnaire.RiskMedium {
				continue
			}
			key := s.Questionnaire + "/" + q.ID
			item, accepted := owners.items[key], in.accepted(key)
			rows = append(rows, []string{
				s.Questionnaire, s.Name, q.ID, q.Title, q.Risk, q.Explanation, choices(q, isMissing), firstSteps(q),
				item.Owner, item.DueOn, item.State, yes(contradicted(q)), accepted.Until, accepted.GrantedBy,
			})
		}
	}
	return table(w, in, []string{
		"questionnaire", "section", "question", "title", "risk", "explanation", "missing", "first_steps", "owner", "due_on", "item_state", "evidence_against",
		"accepted_until", "accepted_by",
	}, rows)
}

// ItemsCSV writes a row for each item of the workload: as it stood when the round was sealed,
// or as it stands.
func ItemsCSV(w io.Writer, in Input) error {
	var rows [][]string
	for _, it := range in.items() {
		rows = append(rows, []string{it.ID, it.Title, it.Cause, it.Risk, it.Timing, it.Owner, it.DueOn, it.State})
	}
	return table(w, in, []string{"item", "title", "cause", "risk", "timing", "owner", "due_on", "item_state"}, rows)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// answerState says in which way a question was answered.
func answerState(q review.SnapshotQuestion) string {
	switch {
	case q.NotApplicable:
		return "not_applicable"
	case q.Unknown:
		return "unknown"
	case q.AnsweredBy == "":
		return "unanswered"
	}
	return "answered"
}

func isTicked(c review.SnapshotChoice) bool { return c.Chosen }

// isMissing reports whether the choice is a practice that is neither ticked nor marked not
// applicable. "None of these" and what ends the question are no practices.
func isMissing(c review.SnapshotChoice) bool {
	return !c.Chosen && !c.NotApplicable && c.Weight != "" && c.Weight != "scope"
}

// choices lists the titles of the choices that are kept, a line each.
func choices(q review.SnapshotQuestion, keep func(review.SnapshotChoice) bool) string {
	var lines []string
	for _, c := range q.Choices {
		if keep(c) {
			lines = append(lines, or(c.Title, c.ID))
		}
	}
	return strings.Join(lines, "\n")
}

// firstSteps lists what to do first for what is missing.
func firstSteps(q review.SnapshotQuestion) string {
	var lines []string
	for _, c := range q.Choices {
		if isMissing(c) && c.FirstStep != "" {
			lines = append(lines, c.FirstStep)
		}
	}
	return strings.Join(lines, "\n")
}

// notApplicable lists what does not apply and why.
func notApplicable(q review.SnapshotQuestion) string {
	var lines []string
	if q.NotApplicable {
		lines = append(lines, q.Reason)
	}
	for _, c := range q.Choices {
		if c.NotApplicable {
			lines = append(lines, or(c.Title, c.ID)+": "+c.Reason)
		}
	}
	return strings.Join(lines, "\n")
}

// verdicts lists the claims with what evidence says to them and when it was read.
func verdicts(q review.SnapshotQuestion) string {
	var lines []string
	for _, v := range q.Evidence {
		lines = append(lines, v.Verdict+": "+strings.Join(filled(or(v.Claim, v.Check), v.AsOf), ", "))
	}
	return strings.Join(lines, "\n")
}

func contradicted(q review.SnapshotQuestion) bool {
	for _, v := range q.Evidence {
		if v.Against {
			return true
		}
	}
	return false
}
