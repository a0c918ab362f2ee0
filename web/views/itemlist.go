package views

import (
	"net/url"
	"strings"
	"time"

	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/web/views/ui"
)

// The saved views of the list of items.
const (
	ItemsOpen    = ""
	ItemsMine    = "mine"
	ItemsOverdue = "overdue"
	ItemsQueue   = "queue"
	ItemsDone    = "done"
	ItemsAll     = "all"
)

// ItemList is a page of the list of items.
type ItemList struct {
	View       string // one of the saved views
	Filter     remediation.Filter
	Items      []remediation.Item
	Views      portfolio.ItemViews
	Teams      []ui.Option
	Next       string
	Now        time.Time
	Owners     []ui.Option // who may be given items; empty when the reader may change none
	May        map[string]bool
	Bulk       BulkForm
	Undo       string            // the batch that was done just now
	TicketsOf  map[string]string // keys of tickets by item
	CanOpenFor string            // key of the workload that the list is of, when the reader may open items there
}

// BulkForm is what is done to the chosen items, as typed.
type BulkForm struct {
	Act, Owner, DueOn, Resolution string
	Chosen                        map[string]bool
}

// ItemsPath is the address of the list of items in a view under a filter.
func ItemsPath(view string, f remediation.Filter) string {
	return withQuery("/items", itemsQuery(view, f))
}

func itemsQuery(view string, f remediation.Filter) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"view": view, "workload": f.WorkloadKey, "team": f.TeamKey, "risk": f.Risk, "q": f.Search, "sort": f.Sort, "after": f.After,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// path is the list with something of it changed.
func (l ItemList) path(change func(*remediation.Filter)) string {
	f := l.Filter
	f.After = ""
	change(&f)
	return ItemsPath(l.View, f)
}

func (l ItemList) nextPath() string {
	return l.path(func(f *remediation.Filter) { f.After = l.Next })
}

func (l ItemList) firstPath() string { return l.path(func(*remediation.Filter) {}) }

func (l ItemList) clearPath() string {
	return ItemsPath(l.View, remediation.Filter{Sort: l.Filter.Sort})
}

func (l ItemList) csvPath() string {
	q := itemsQuery(l.View, l.Filter)
	q.Del("after")
	return withQuery("/items.csv", q)
}

func (l ItemList) tabs() []ui.Tab {
	f := l.Filter
	f.After = ""
	tab := func(text, view string, n int) ui.Tab {
		return ui.Tab{Text: text, Href: ItemsPath(view, f), Count: n, HasCount: true, Current: l.View == view}
	}
	return []ui.Tab{
		tab("Open", ItemsOpen, l.Views.Open), tab("Mine", ItemsMine, l.Views.Mine), tab("Overdue", ItemsOverdue, l.Views.Overdue),
		tab("Nobody's", ItemsQueue, l.Views.Queue), tab("Done", ItemsDone, l.Views.Done), tab("All", ItemsAll, l.Views.All),
	}
}

func (l ItemList) filters() int {
	n := 0
	for _, value := range []string{l.Filter.WorkloadKey, l.Filter.TeamKey, l.Filter.Risk, l.Filter.Search, l.Filter.Sort} {
		if value != "" {
			n++
		}
	}
	return n
}

func (l ItemList) risks() []ui.Option {
	return ui.Selected([]ui.Option{{Value: "", Text: "Any"}, {Value: "high", Text: "High"}, {Value: "medium", Text: "Medium"}, {Value: "none", Text: "No risk named"}}, l.Filter.Risk)
}

func (l ItemList) sorts() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: remediation.ByDue, Text: "Due day"}, {Value: remediation.ByRisk, Text: "Risk"}, {Value: remediation.ByWorkload, Text: "Workload"}, {Value: remediation.ByOwner, Text: "Owner"},
	}, l.Filter.Sort)
}

func (l ItemList) columns() []ui.Column {
	due := ui.Column{Text: "Due"}
	if l.Filter.Sort == remediation.ByDue {
		due.Sort = "ascending"
	}
	list := []ui.Column{{Text: "Item"}, {Text: "Risk"}, {Text: "Owner"}, due, {Text: "Status"}, {Text: "Ticket"}}
	if l.bulk() {
		list = append([]ui.Column{{Text: "Select", Hidden: true}}, list...)
	}
	return list
}

// bulk reports whether the reader may change one of the items that are shown.
func (l ItemList) bulk() bool { return len(l.May) > 0 }

func (l ItemList) acts() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: remediation.BulkAssign, Text: "Give them to somebody"}, {Value: remediation.BulkDue, Text: "Set the due day"}, {Value: remediation.BulkDone, Text: "Say that they are done"},
	}, l.Bulk.Act)
}

// itemGroup is the items of a list that stand under one heading.
type itemGroup struct {
	Title string
	Items []remediation.Item
}

// groups parts the items by what they are ordered by; a list of finished ones by due day is
// one group without a title.
func (l ItemList) groups() []itemGroup {
	if l.Filter.Sort == remediation.ByDue && (l.View == ItemsDone || l.View == ItemsAll) {
		return []itemGroup{{Items: l.Items}}
	}
	var list []itemGroup
	for _, it := range l.Items {
		title := l.heading(it)
		if n := len(list); n == 0 || list[n-1].Title != title {
			list = append(list, itemGroup{Title: title})
		}
		last := &list[len(list)-1]
		last.Items = append(last.Items, it)
	}
	return list
}

func (l ItemList) heading(it remediation.Item) string {
	switch l.Filter.Sort {
	case remediation.ByRisk:
		_, words := itemRisk(it.Risk)
		return strings.ToUpper(words[:1]) + words[1:]
	case remediation.ByWorkload:
		return it.WorkloadName + ", " + it.TeamName
	case remediation.ByOwner:
		return it.OwnerName
	}
	return dueGroup(it, l.Now)
}

func dueGroup(it remediation.Item, now time.Time) string {
	switch {
	case it.LateBy(now) > 0:
		return "Overdue"
	case it.DueOn.Before(now.AddDate(0, 0, 14)):
		return "Due within 14 days"
	}
	return "Later"
}

// ItemForm is the form of an item that is written by hand.
type ItemForm struct {
	WorkloadKey, WorkloadName         string
	Title, Detail, Risk, Owner, DueOn string
	Owners                            []ui.Option
}

func (f ItemForm) risks() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: "high", Text: "High", Hint: "another person verifies that it is done"}, {Value: "medium", Text: "Medium"}, {Value: "none", Text: "No risk named"},
	}, f.Risk)
}
