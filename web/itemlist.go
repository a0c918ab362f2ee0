package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/text"
	"orrery/internal/tickets"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// readItems reads a view and a filter of items from an address.
func (v *visit) readItems(q url.Values) (string, remediation.Filter, error) {
	view := q.Get("view")
	f := remediation.Filter{
		WorkloadKey: text.Line(q.Get("workload")), TeamKey: text.Line(q.Get("team")), Risk: q.Get("risk"), Search: text.Line(q.Get("q")),
		Sort: q.Get("sort"), After: q.Get("after"),
	}
	switch view {
	case views.ItemsOpen:
	case views.ItemsMine:
		f.OwnerID = v.who.PersonID
	case views.ItemsOverdue:
		f.OverdueAt = v.Now()
	case views.ItemsQueue:
		f.Queue = true
	case views.ItemsDone:
		f.State = remediation.Done
	case views.ItemsAll:
		f.State = "all"
	default:
		return view, f, fault.InvalidField("view", "There is no such view of the items.")
	}
	return view, f, nil
}

func itemList(v *visit) error {
	return v.showItems(http.StatusOK, views.BulkForm{Act: remediation.BulkAssign}, nil)
}

// showItems shows the list that the address names, with a refused change as typed.
func (v *visit) showItems(status int, typed views.BulkForm, errs ui.FieldErrors) error {
	l := views.ItemList{Now: v.Now(), Bulk: typed, May: map[string]bool{}}
	var err error
	if l.View, l.Filter, err = v.readItems(v.r.URL.Query()); err != nil {
		return err
	}
	if l.Items, l.Next, err = v.Items.List(v.ctx(), v.who, l.Filter); err != nil {
		return err
	}
	l.Views, err = counted(v, func() (portfolio.ItemViews, error) { return v.Portfolio.ItemViews(v.ctx(), v.who, l.Filter) },
		"items", l.Filter.WorkloadKey, l.Filter.TeamKey, l.Filter.Risk, l.Filter.Search)
	if err != nil {
		return err
	}
	if _, err := uuid.Parse(v.r.URL.Query().Get("undo")); err == nil {
		l.Undo = v.r.URL.Query().Get("undo")
	}
	if err := v.fillItems(&l); err != nil {
		return err
	}
	p := v.page("Items", "/items")
	p.Errors = errs
	return v.render(status, views.Items(p, l))
}

// fillItems adds what stands beside the items: teams to filter by, tickets, and what the
// reader may do.
func (v *visit) fillItems(l *views.ItemList) error {
	teams, err := v.Identity.Teams(v.ctx(), v.who)
	if err != nil {
		return err
	}
	for _, t := range teams {
		l.Teams = append(l.Teams, ui.Option{Value: t.Key, Text: t.Name})
	}
	ids := make([]uuid.UUID, len(l.Items))
	for i, it := range l.Items {
		ids[i] = it.ID
		if v.who.May(identity.WorkItems, it.Target()) == nil {
			l.May[it.ID.String()] = true
		}
	}
	if l.TicketsOf, err = tickets.KeysOf(v.ctx(), v.DB, ids); err != nil {
		return err
	}
	if len(l.May) > 0 {
		if l.Owners, err = v.colleagues(); err != nil {
			return err
		}
	}
	if l.Filter.WorkloadKey == "" {
		return nil
	}
	w, err := v.Workloads.ByKey(v.ctx(), v.who, l.Filter.WorkloadKey)
	if err == nil && v.who.May(identity.WorkItems, w.Target()) == nil {
		l.CanOpenFor = w.Key
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// colleagues are the people of the reader's teams, each once.
func (v *visit) colleagues() ([]ui.Option, error) {
	var list []identity.Ref
	seen := map[uuid.UUID]bool{}
	for _, m := range v.who.Teams {
		people, err := identity.PeopleOfTeam(v.ctx(), v.DB, m.TeamID)
		if err != nil {
			return nil, err
		}
		for _, one := range people {
			if !seen[one.ID] {
				list = append(list, one)
			}
			seen[one.ID] = true
		}
	}
	return options(list), nil
}

func changeItems(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	typed := views.BulkForm{Act: form.Get("act"), Owner: form.Get("owner"), DueOn: form.Get("due_on"), Resolution: form.Get("resolution"), Chosen: map[string]bool{}}
	b := remediation.Bulk{Act: typed.Act, OwnerID: typed.Owner, DueOn: typed.DueOn, Resolution: typed.Resolution}
	for _, chosen := range form["item"] {
		typed.Chosen[chosen] = true
		if id, err := uuid.Parse(chosen); err == nil {
			b.Items = append(b.Items, id)
		}
	}
	batch, n, err := v.Items.ChangeMany(v.ctx(), v.who, b)
	if status, errs, again := refused(err); again {
		return v.showItems(status, typed, errs)
	}
	if err != nil {
		return err
	}
	view, f, err := v.readItems(v.r.URL.Query())
	if err != nil {
		return err
	}
	to := views.ItemsPath(view, f)
	if n == 0 {
		return v.redirect(to, "Nothing was to be changed.")
	}
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("undo", batch.String())
	u.RawQuery = q.Encode()
	return v.redirect(u.String(), views.Counted(n, "item is", "items are")+" changed.")
}

func undoItems(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	batch, err := uuid.Parse(form.Get("batch"))
	if err != nil {
		return fault.New(fault.NotFound, "There is no such change to undo.")
	}
	restored, left, err := v.Items.Undo(v.ctx(), v.who, batch)
	if err != nil {
		return err
	}
	notice := views.Counted(restored, "item is as before.", "items are as before.")
	if left > 0 {
		notice += " " + views.Counted(left, "item was left alone: somebody changed it since.", "items were left alone: somebody changed them since.")
	}
	view, f, err := v.readItems(v.r.URL.Query())
	if err != nil {
		return err
	}
	return v.redirect(views.ItemsPath(view, f), notice)
}

var itemColumns = []string{
	"id", "workload", "team", "title", "cause", "cause_key", "risk", "owner", "due_on", "state", "late_days", "ticket", "resolution", "opened_at", "done_at", "verified_at",
}

// itemCSV streams the whole list under the view and the filter of the address.
func itemCSV(v *visit) error {
	_, f, err := v.readItems(v.r.URL.Query())
	if err != nil {
		return err
	}
	var w *csv.Writer
	err = v.Items.Each(v.ctx(), v.who, f, func(items []remediation.Item) error {
		ids := make([]uuid.UUID, len(items))
		for i, it := range items {
			ids[i] = it.ID
		}
		keys, err := tickets.KeysOf(v.ctx(), v.DB, ids)
		if err != nil {
			return err
		}
		if w == nil {
			w = v.csvWriter("items.csv", itemColumns...)
		}
		for _, it := range items {
			_ = w.Write(itemCells(it, keys[it.ID.String()], v.Now()))
		}
		w.Flush()
		return w.Error()
	})
	if w != nil {
		return ignoreGone(v, err) // half the file is out, and no page can follow it
	}
	return err
}

func itemCells(it remediation.Item, ticket string, now time.Time) []string {
	owner := it.OwnerName
	if it.OwnerID == uuid.Nil {
		owner = ""
	}
	cells := []string{
		it.ID.String(), it.WorkloadKey, it.TeamName, it.Title, it.CauseKind, it.CauseKey, it.Risk, owner, it.DueOn.Format(time.DateOnly), it.State,
		views.Itoa(it.LateBy(now)), ticket, it.Resolution, csvTime(&it.OpenedAt), csvTime(it.DoneAt), csvTime(it.VerifiedAt),
	}
	for i := range cells {
		cells[i] = text.Cell(cells[i])
	}
	return cells
}

func newItemPage(v *visit) error {
	return v.showNewItem(http.StatusOK, views.ItemForm{WorkloadKey: v.r.URL.Query().Get("workload"), Risk: "medium", Owner: v.who.PersonID.String()}, nil)
}

// showNewItem shows the form for a workload that the reader may open items on.
func (v *visit) showNewItem(status int, f views.ItemForm, errs ui.FieldErrors) error {
	w, err := v.workloadToWork(f.WorkloadKey)
	if err != nil {
		return err
	}
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, w.TeamID)
	if err != nil {
		return err
	}
	f.WorkloadKey, f.WorkloadName, f.Owners = w.Key, w.Name, options(people)
	p := v.page("Open an item", "/items", ui.Link{Text: "Items", Href: "/items?workload=" + w.Key}, ui.Link{Text: "Open an item"})
	p.Errors = errs
	return v.render(status, views.ItemNew(p, f))
}

func (v *visit) workloadToWork(key string) (workload.Workload, error) {
	w, err := v.Workloads.ByKey(v.ctx(), v.who, text.Line(key))
	if err != nil {
		return w, err
	}
	return w, v.who.May(identity.WorkItems, w.Target())
}

func openItem(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := views.ItemForm{
		WorkloadKey: form.Get("workload"), Title: form.Get("title"), Detail: form.Get("detail"), Risk: form.Get("risk"), Owner: form.Get("owner"), DueOn: form.Get("due_on"),
	}
	w, err := v.workloadToWork(f.WorkloadKey)
	if err != nil {
		return err
	}
	id, err := v.Items.Open(v.ctx(), v.who, w.ID, remediation.NewItem{
		Title: f.Title, Detail: f.Detail, Risk: f.Risk, OwnerID: f.Owner, DueOn: f.DueOn,
	})
	if status, errs, again := refused(err); again {
		return v.showNewItem(status, f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/items/"+id.String(), "The item is open.")
}

// ticketsOf reads the tickets of an item, and where one can be made.
func (v *visit) ticketsOf(item uuid.UUID, canWork bool) (views.TicketsPage, error) {
	links, err := tickets.LinksOf(v.ctx(), v.DB, item)
	if err != nil || !canWork {
		return views.TicketsPage{Links: links}, err
	}
	taken := map[uuid.UUID]bool{}
	for _, l := range links {
		if l.TrackerID != nil && l.State != tickets.Refused {
			taken[*l.TrackerID] = true
		}
	}
	choices, err := tickets.Choices(v.ctx(), v.DB)
	if err != nil {
		return views.TicketsPage{}, err
	}
	page := views.TicketsPage{Links: links}
	for _, c := range choices {
		if !taken[c.ID] {
			page.Trackers = append(page.Trackers, ui.Option{Value: c.ID.String(), Text: c.Name})
		}
	}
	return page, nil
}
