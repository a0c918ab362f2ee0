package views

import (
	"cmp"
	"slices"
	"strings"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
	"orrery/web/views/ui"
)

// coverage is what a run looked at: a row for each account and Region, a column for each
// source. A nil line means that the run did not look there.
type coverage struct {
	Sources []string
	Rows    []coverageRow
	Folded  int // rows left out of a long matrix: all of them were read whole
}

// longCoverage is how many accounts and Regions a matrix shows one by one.
const longCoverage = 60

type coverageRow struct {
	evidence.Cell
	Lines []*evidence.CellState
}

// sourceOrder is the order in which sources stand on pages.
var sourceOrder = append(questionnaire.CheckSources(), evidence.ToolSource)

func compareSources(a, b string) int {
	place := func(s string) int {
		if i := slices.Index(sourceOrder, s); i >= 0 {
			return i
		}
		return len(sourceOrder)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
}

// cover arranges the ledger of a run as a matrix. A long one leaves out what was read whole.
func cover(cells []evidence.CellState) coverage {
	var m coverage
	for _, c := range cells {
		if !slices.Contains(m.Sources, c.Source) {
			m.Sources = append(m.Sources, c.Source)
		}
	}
	slices.SortFunc(m.Sources, compareSources)
	rows := map[evidence.Cell][]*evidence.CellState{}
	for i, c := range cells {
		if rows[c.Cell] == nil {
			rows[c.Cell] = make([]*evidence.CellState, len(m.Sources))
		}
		rows[c.Cell][slices.Index(m.Sources, c.Source)] = &cells[i]
	}
	for cell, lines := range rows {
		m.Rows = append(m.Rows, coverageRow{cell, lines})
	}
	slices.SortFunc(m.Rows, func(a, b coverageRow) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Region, b.Region))
	})
	if len(m.Rows) > longCoverage {
		all := len(m.Rows)
		m.Rows = slices.DeleteFunc(m.Rows, coverageRow.whole)
		m.Folded = all - len(m.Rows)
	}
	return m
}

// whole reports whether everything that was asked for in the row was read.
func (r coverageRow) whole() bool {
	return !slices.ContainsFunc(r.Lines, func(c *evidence.CellState) bool { return c != nil && (c.State != "done" || c.Result != evidence.OK) })
}

// gap is something a run did not see whole, in one or several places for the same reason.
type gap struct {
	Source     string
	Result     evidence.Result
	Detail     string
	Permission string
	Mend       string
	Where      []evidence.Cell
}

// gaps lists what a finished run did not see whole, and what mends it; the same reason in
// several places is one gap.
func gaps(cells []evidence.CellState) []gap {
	var list []gap
	for _, c := range cells {
		if c.State != "done" || c.Result == evidence.OK && c.Permission == "" {
			continue
		}
		same := func(g gap) bool {
			return g.Source == c.Source && g.Result == c.Result && g.Permission == c.Permission && (g.Permission != "" || g.Detail == c.Detail)
		}
		i := slices.IndexFunc(list, same)
		if i < 0 {
			i = len(list)
			list = append(list, gap{Source: c.Source, Result: c.Result, Detail: c.Detail, Permission: c.Permission, Mend: mendOf(c.Result)})
		}
		list[i].Where = append(list[i].Where, c.Cell)
	}
	slices.SortStableFunc(list, func(a, b gap) int { return compareSources(a.Source, b.Source) })
	return list
}

// mendOf is what mends a result of a cell, by the list of reasons.
func mendOf(r evidence.Result) string {
	for _, reason := range evidence.Reasons() {
		if reason.Code == string(r) {
			return reason.Mend
		}
	}
	return ""
}

// where names the places of a gap: the cells when there are few, else how many.
func (g gap) where() string {
	if len(g.Where) > 3 {
		return counted(len(g.Where), "account and Region", "accounts and Regions")
	}
	var words []string
	for _, c := range g.Where {
		words = append(words, c.Account+" "+c.Region)
	}
	return strings.Join(words, ", ")
}

// status is the result of a gap; a reading that only missed extras is one in part.
func (g gap) status() (ui.Kind, string) {
	if g.Result == evidence.OK {
		g.Result = evidence.Partial
	}
	return outcomeOfCell(evidence.CellState{State: "done", Result: g.Result})
}

// policyOf is the smallest policy that grants a permission, as JSON to take along.
func policyOf(permission string) string {
	return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"" + permission + "\", \"Resource\": \"*\"}\n  ]\n}"
}

// plainPermission reports whether a permission is safe to print into a policy: an IAM
// action and nothing else.
func plainPermission(p string) bool {
	service, action, found := strings.Cut(p, ":")
	letters := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		})
	}
	return found && letters(service) && letters(action)
}

func coverageColumns(m coverage) []ui.Column {
	columns := []ui.Column{{Text: "Account and Region"}}
	for _, s := range m.Sources {
		columns = append(columns, ui.Column{Text: sourceName(s)})
	}
	return columns
}

func coverageTitle(run evidence.Run) string {
	if run.State == evidence.Running {
		return "What is looked at"
	}
	return "What was looked at"
}

func foldedWords(m coverage) string {
	words := counted(m.Folded, "account and Region was", "accounts and Regions were") + " read whole"
	if len(m.Rows) == 0 {
		return "All " + words + "."
	}
	return itoa(m.Folded) + " more were read whole."
}
