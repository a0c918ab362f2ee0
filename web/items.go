package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// itemRoutes list the items, show one and change it.
func itemRoutes() []Route {
	return []Route{
		{"GET", "/items", signedIn(itemList)},
		{"GET", "/items.csv", signedIn(itemCSV)},
		{"POST", "/items/bulk", signedIn(changeItems)},
		{"POST", "/items/undo", signedIn(undoItems)},
		{"GET", "/items/new", signedIn(newItemPage)},
		{"POST", "/items/new", signedIn(openItem)},
		{"GET", "/items/{id}", signedIn(itemPage)},
		{"POST", "/items/{id}", signedIn(changeItem)},
		{"POST", "/items/{id}/close", signedIn(closeItem)},
	}
}

func itemPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	p, err := v.item(id)
	if err != nil {
		return err
	}
	p.FillItem()
	return v.showItem(http.StatusOK, p, nil)
}

// item reads an item with what the reader may do to it.
func (v *visit) item(id uuid.UUID) (views.ItemPage, error) {
	p := views.ItemPage{Now: v.Now()}
	var err error
	if p.Item, err = v.Items.Item(v.ctx(), v.who, id); err != nil {
		return p, err
	}
	it := p.Item
	if err = v.incidentOf(&p); err != nil {
		return p, err
	}
	w, err := workload.Load(v.ctx(), v.DB, v.who, it.WorkloadID)
	if err != nil {
		return p, err
	}
	p.TeamName = w.TeamName
	if p.Unasked, err = v.Evidence.Unasked(v.ctx(), it); err != nil {
		return p, err
	}
	if p.Outside, err = v.Evidence.Outside(v.ctx(), it); err != nil {
		return p, err
	}
	p.CanClose = (p.Unasked || p.Outside) && v.who.May(identity.CloseItem, it.Target()) == nil
	p.CanWork = v.who.May(identity.WorkItems, it.Target()) == nil
	p.CanVerify = it.State == remediation.Done && v.who.May(identity.VerifyItem, it.Target()) == nil && it.VerifiableBy(v.who.PersonID)
	people, err := identity.PeopleOfTeam(v.ctx(), v.DB, it.TeamID)
	if err != nil {
		return p, err
	}
	p.Owners = options(people)
	if p.Tickets, err = v.ticketsOf(id, p.CanWork); err != nil {
		return p, err
	}
	if p.History, _, err = audit.WorkloadRecords(v.ctx(), v.DB, it.WorkloadID, audit.Filter{TargetKind: "item", TargetID: id.String(), Limit: 100}); err != nil {
		return p, err
	}
	if it.OwnerID != uuid.Nil && !slices.ContainsFunc(people, func(r identity.Ref) bool { return r.ID == it.OwnerID }) {
		p.Owners = append(p.Owners, ui.Option{Value: it.OwnerID.String(), Text: it.OwnerName})
	}
	return p, nil
}

// incidentOf names the incident that an action comes from. Who may not read it is not led there.
func (v *visit) incidentOf(p *views.ItemPage) error {
	id, err := uuid.Parse(strings.TrimPrefix(p.Item.Href, incidentsPath+"/"))
	if p.Item.CauseKind != remediation.CauseIncident || err != nil {
		return nil //nolint:nilerr // it comes from elsewhere
	}
	i, err := v.Incidents.Incident(v.ctx(), v.who, id)
	if fault.Is(err, fault.NotFound) {
		p.Item.Href = ""
		return nil
	}
	p.Incident = i.Title
	return err
}

func (v *visit) showItem(status int, i views.ItemPage, errs ui.FieldErrors) error {
	var err error
	if i.Talk, err = v.talkOfItem(i.Item); err != nil {
		return err
	}
	p := v.page(i.Item.Title, "/items", ui.Link{Text: "Items", Href: "/items"}, ui.Link{Text: i.Item.WorkloadName, Href: "/workloads/" + i.Item.WorkloadKey}, ui.Link{Text: "Item"})
	p.Errors = errs
	return v.render(status, views.Item(p, i))
}

func changeItem(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	c := remediation.Change{OwnerID: form.Get("owner"), DueOn: form.Get("due_on"), State: form.Get("state"), Resolution: form.Get("resolution")}
	c.Version, _ = strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	it, err := v.Items.Change(v.ctx(), v.who, id, c)
	errs, bad := invalid(err)
	if !bad && !fault.Is(err, fault.Conflict) {
		if err != nil {
			return err
		}
		return v.redirect("/items/"+it.ID.String(), "The item is "+itemNotice(it)+".")
	}
	words := fault.MessageOf(err)
	p, err := v.item(id)
	if err != nil {
		return err
	}
	p.Owner, p.DueOn, p.State, p.Resolve, p.Version = c.OwnerID, c.DueOn, c.State, c.Resolution, form.Get("version")
	if bad {
		return v.showItem(http.StatusUnprocessableEntity, p, errs)
	}
	p.Conflict, p.Version = words, strconv.Itoa(p.Item.Version)
	return v.showItem(http.StatusConflict, p, nil)
}

// closeItem closes an item of evidence that no collection can close.
func closeItem(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(form.Get("version")) // a version nobody wrote is 0, which is stale
	err = v.Evidence.CloseUnasked(v.ctx(), v.who, id, version, form.Get("reason"))
	errs, bad := invalid(err)
	if !bad && !fault.Is(err, fault.Conflict) {
		if err != nil {
			return err
		}
		return v.redirect("/items/"+id.String(), "The item is closed. It opens again when it fails and a check asks for it.")
	}
	words := fault.MessageOf(err)
	p, err := v.item(id)
	if err != nil {
		return err
	}
	p.FillItem()
	p.Reason = form.Get("reason")
	if bad {
		return v.showItem(http.StatusUnprocessableEntity, p, errs)
	}
	p.Conflict = words
	return v.showItem(http.StatusConflict, p, nil)
}

// itemNotice says what a change came to.
func itemNotice(it remediation.Item) string {
	switch it.State {
	case remediation.Done:
		if it.NeedsVerification() {
			return "done. Another person verifies it"
		}
		return "done"
	case remediation.Verified:
		return "verified"
	}
	return "saved"
}
