package views

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/review"
	"orrery/web/views/ui"
)

// DashboardPage is what the workloads that the reader may read have in common.
type DashboardPage struct {
	portfolio.Dashboard
	Filter portfolio.DashFilter
	Teams  []ui.Option
	Sets   []ui.Option
	Now    time.Time
}

func (d DashboardPage) lead() string {
	return counted(d.Workloads, "workload", "workloads") + " planned or live, of those that you may read. Risks are those of the newest submitted or sealed round of each."
}

func (d DashboardPage) active() (n int) {
	for _, on := range []bool{d.Filter.TeamKey != "", d.Filter.Tier != 0, d.Filter.Set != ""} {
		if on {
			n++
		}
	}
	return n
}

// list is the list of workloads under the filter of the dashboard, narrowed further.
func (d DashboardPage) list(narrow func(*portfolio.Filter)) string {
	f := portfolio.Filter{TeamKey: d.Filter.TeamKey, Tier: d.Filter.Tier}
	narrow(&f)
	return WorkloadsPath(f, "")
}

func (d DashboardPage) counts() []ui.Count {
	counts := []ui.Count{
		{Figure: d.Workloads, Text: "Workloads", Hint: itoa(d.Judged) + " with a submitted or sealed round", Href: d.list(func(*portfolio.Filter) {})},
		{Figure: d.Highs, Text: "High open", Href: d.list(func(f *portfolio.Filter) { f.Highs = true })},
		{Figure: d.Overdue, Text: "Items overdue", Href: d.list(func(f *portfolio.Filter) { f.Overdue = true })},
		{Figure: d.Undecided, Text: "No decision yet", Href: d.list(func(f *portfolio.Filter) { f.Decision = portfolio.Undecided })},
	}
	if d.Emergency > 0 {
		counts = append(counts, ui.Count{Figure: d.Emergency, Text: "EMERGENCY go now", Href: d.list(func(f *portfolio.Filter) { f.Decision = review.Emergency })})
	}
	return counts
}

// teamPath is the dashboard of one team under the same filter.
func (d DashboardPage) teamPath(key string) string {
	q := url.Values{"team": {key}}
	if d.Filter.Tier != 0 {
		q.Set("tier", strconv.Itoa(d.Filter.Tier))
	}
	if d.Filter.Set != "" {
		q.Set("set", d.Filter.Set)
	}
	return withQuery("/dashboard", q)
}

// risky are the teams with anything to show.
func (d DashboardPage) risky() (list []portfolio.TeamRisk) {
	for _, t := range d.Dashboard.Teams {
		if t.High+t.Medium > 0 {
			list = append(list, t)
		}
	}
	return list[:min(len(list), dashTeams)]
}

// late are the teams with overdue items, the most first.
func (d DashboardPage) late() []portfolio.TeamRisk {
	return d.most(func(t portfolio.TeamRisk) int { return t.Overdue })
}

// urgent are the teams with EMERGENCY gos, the most first.
func (d DashboardPage) urgent() []portfolio.TeamRisk {
	return d.most(func(t portfolio.TeamRisk) int { return t.Emergencies })
}

// most are the teams of which count finds any, the most first.
func (d DashboardPage) most(count func(portfolio.TeamRisk) int) (list []portfolio.TeamRisk) {
	for _, t := range d.Dashboard.Teams {
		if count(t) > 0 {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b portfolio.TeamRisk) int { return count(b) - count(a) })
	return list[:min(len(list), dashTeams)]
}

// dashTeams bounds the lists of teams; the filter leads to any of them.
const dashTeams = 15

// segment is one part of a bar.
type segment struct {
	class    string
	at, wide int
}

// riskBar parts a bar of length most into highs and mediums.
func riskBar(high, medium int) []segment {
	return []segment{{"c-high", 0, high}, {"c-medium", high, medium}}
}

func mostOf[T any](list []T, size func(T) int) int {
	most := 1
	for _, one := range list {
		most = max(most, size(one))
	}
	return most
}

// chart is the plot of months: columns of decisions, or a line of days.
type chart struct {
	Title, Desc string
	Top         int // the figure at the upper edge
	Months      []portfolio.Month
}

const chartWide, chartHigh = 720, 100

func (c chart) step() int { return chartWide / max(1, len(c.Months)) }

// y is the height of a figure, from the upper edge.
func (c chart) y(figure float64) int { return chartHigh - int(figure/float64(c.Top)*chartHigh+0.5) }

// points are a line through the months in which something was decided; of one month it is a
// dot.
func (c chart) points(figure func(portfolio.Month) float64) string {
	var parts []string
	for i, m := range c.Months {
		if m.Decided() > 0 {
			parts = append(parts, itoa(i*c.step()+c.step()/2)+","+itoa(c.y(figure(m))))
		}
	}
	if len(parts) == 1 {
		parts = append(parts, parts[0])
	}
	return strings.Join(parts, " ")
}

// lone reports whether a line would have one point only.
func (c chart) lone() bool {
	decided := 0
	for _, m := range c.Months {
		if m.Decided() > 0 {
			decided++
		}
	}
	return decided == 1
}

// column is a rectangle of a month.
type column struct {
	Class         string
	X, Y, Wide, H int
}

// columns stack the outcomes of each month.
func (c chart) columns() (list []column) {
	for i, m := range c.Months {
		base := 0
		for _, part := range []struct {
			class string
			n     int
		}{{"c-good", m.Go}, {"c-medium", m.Conditional}, {"c-high", m.NoGo}} {
			if part.n > 0 {
				top := c.y(float64(base + part.n))
				list = append(list, column{part.class, i*c.step() + 6, top, c.step() - 12, c.y(float64(base)) - top})
			}
			base += part.n
		}
	}
	return list
}

func (d DashboardPage) decisionChart() chart {
	c := chart{Title: "Decisions by outcome per month", Top: mostOf(d.Months, portfolio.Month.Decided), Months: d.Months}
	var all portfolio.Month
	for _, m := range d.Months {
		all.Go, all.Conditional, all.NoGo = all.Go+m.Go, all.Conditional+m.Conditional, all.NoGo+m.NoGo
	}
	c.Desc = "In the last 12 months: " + itoa(all.Go) + " go, " + itoa(all.Conditional) + " conditional go, " + itoa(all.NoGo) + " no-go. The table below has the figures of each month."
	return c
}

func (d DashboardPage) timeChart() chart {
	c := chart{Title: "Days from the opening of a round to its decision", Months: d.Months, Top: 1, Desc: "Nothing was decided in the last 12 months."}
	for _, m := range d.Months {
		c.Top = max(c.Top, int(m.P90+1))
		if m.Decided() > 0 {
			c.Desc = "In " + m.Start.Format("January 2006") + " the median was " + days(m.Median) + " days, and nine of ten took at most " + days(m.P90) + ". The table below has the figures of each month."
		}
	}
	return c
}

func days(f float64) string {
	if f < 0.05 {
		return "under 0.1"
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}

// decidedAny reports whether a chart of months has anything to show.
func (d DashboardPage) decidedAny() bool {
	for _, m := range d.Months {
		if m.Decided() > 0 {
			return true
		}
	}
	return false
}
