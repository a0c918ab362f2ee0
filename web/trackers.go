package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/tickets"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// trackerRoutes set trackers up, make tickets of items, and take the trackers' webhooks.
func trackerRoutes() []Route {
	return []Route{
		{"GET", "/settings/trackers", connections(trackerList)},
		{"GET", "/settings/trackers/new", connections(newTrackerPage)},
		{"POST", "/settings/trackers/new", connections(createTracker)},
		{"GET", "/settings/trackers/{id}", connections(trackerPage)},
		{"POST", "/settings/trackers/{id}", connections(changeTracker)},
		{"POST", "/settings/trackers/{id}/secret", connections(replaceHookSecret)},
		{"POST", "/items/{id}/tickets", signedIn(makeTicket)},
		{"POST", "/items/{id}/tickets/link", signedIn(linkTicket)},
		{"POST", "/items/{id}/tickets/{link}/remove", signedIn(unlinkTicket)},
		{"POST", "/hooks/{tracker}", open(takeHook)},
	}
}

var allTrackers = ui.Link{Text: "Trackers", Href: "/settings/trackers"}

func trackerList(v *visit) error {
	list, err := v.Tickets.Trackers(v.ctx(), v.who)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Trackers(v.settings("Trackers", ui.Link{Text: "Trackers"}), list, v.Tickets.Ready()))
}

func newTrackerPage(v *visit) error {
	return v.showTrackerForm(http.StatusOK, views.TrackerForm{Kind: tickets.Jira, IssueType: "Task", Active: true}, nil)
}

func (v *visit) showTrackerForm(status int, f views.TrackerForm, errs ui.FieldErrors) error {
	return v.render(status, views.TrackerNew(v.setting("New tracker", errs, allTrackers), f))
}

func readTracker(form url.Values) views.TrackerForm {
	return views.TrackerForm{
		Kind: form.Get("kind"), Name: form.Get("name"), URL: form.Get("url"), Project: form.Get("project"), Account: form.Get("account"),
		IssueType: form.Get("issue_type"), Token: form.Get("token"), Active: form.Get("active") == "1", Version: form.Get("version"),
	}
}

func createTracker(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := readTracker(form)
	t, secret, err := v.Tickets.CreateTracker(v.ctx(), v.who, f.Input())
	if status, errs, again := refused(err); again {
		return v.showTrackerForm(status, f, errs)
	}
	if err != nil {
		return err
	}
	return v.showSecret(t.Name, secret, "/settings/trackers/"+t.ID.String(), "Make a webhook in the tracker with this secret, to "+v.PublicURL+tickets.HookPath(t.ID)+", for changes of issues.")
}

func trackerPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showTracker(http.StatusOK, id, nil, nil)
}

func (v *visit) showTracker(status int, id uuid.UUID, typed *views.TrackerForm, errs ui.FieldErrors) error {
	t, err := v.Tickets.Tracker(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	page := views.TrackerPage{Tracker: t, HookURL: v.PublicURL + tickets.HookPath(id), Form: views.TrackerForm{
		Kind: t.Kind, Name: t.Name, URL: t.URL, Project: t.Project, Account: t.Account, IssueType: t.IssueType, Active: t.Active, Version: strconv.Itoa(t.Version),
	}}
	if typed != nil {
		page.Form = *typed
		page.Form.Kind = t.Kind
		if status == http.StatusConflict {
			page.Form.Version = strconv.Itoa(t.Version)
		}
	}
	return v.render(status, views.Tracker(v.setting(t.Name, errs, allTrackers), page))
}

func changeTracker(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	f := readTracker(form)
	version, _ := strconv.Atoi(f.Version) // a version nobody wrote is 0, which is stale
	err = v.Tickets.ChangeTracker(v.ctx(), v.who, id, version, f.Input())
	if status, errs, again := refused(err); again {
		return v.showTracker(status, id, &f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings/trackers/"+id.String(), "The tracker is saved.")
}

func replaceHookSecret(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	secret, err := v.Tickets.NewHookSecret(v.ctx(), v.who, id, versionOf(form))
	if status, errs, again := refused(err); again {
		return v.showTracker(status, id, nil, errs)
	}
	if err != nil {
		return err
	}
	return v.showSecret("New secret", secret, "/settings/trackers/"+id.String(), "The secret before no longer fits. Write this one into the tracker's webhook.")
}

func makeTicket(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	tracker, _ := uuid.Parse(form.Get("tracker")) // what is no id is no tracker
	err = v.Tickets.Create(v.ctx(), v.who, id, tracker)
	return v.afterTicket(id, err, nil, "The ticket is being made. Its key is here in a moment.")
}

func linkTicket(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	err = v.Tickets.LinkByHand(v.ctx(), v.who, id, form.Get("key"), form.Get("url"))
	return v.afterTicket(id, err, form, "The ticket is linked.")
}

func unlinkTicket(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	link, err := v.pathID("link")
	if err != nil {
		return err
	}
	return v.afterTicket(id, v.Tickets.Unlink(v.ctx(), v.who, id, link), nil, "The ticket is no longer followed. It stays in its tracker.")
}

// afterTicket leads back to the item, or shows it with what was wrong.
func (v *visit) afterTicket(item uuid.UUID, err error, typed url.Values, notice string) error {
	status, errs, again := refused(err)
	if !again {
		if err != nil {
			return err
		}
		return v.redirect("/items/"+item.String(), notice)
	}
	p, err := v.item(item)
	if err != nil {
		return err
	}
	p.FillItem()
	p.Tickets.Key, p.Tickets.URL = typed.Get("key"), typed.Get("url")
	return v.showItem(status, p, errs)
}

// takeHook takes a webhook of a tracker. It answers with words for who set it up, and says
// nothing of what is stored.
func takeHook(v *visit) error {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	answer := func(status int, words string) error {
		v.w.WriteHeader(status)
		_, err := io.WriteString(v.w, words+"\n")
		return ignoreGone(v, err)
	}
	id, err := uuid.Parse(v.r.PathValue("tracker"))
	if err != nil {
		return answer(http.StatusNotFound, "There is no such tracker.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, tickets.MaxHook))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return answer(http.StatusRequestEntityTooLarge, "This is larger than a webhook.")
	}
	if err != nil {
		return answer(http.StatusBadRequest, "The body could not be read.")
	}
	err = v.Tickets.Receive(v.ctx(), id, v.r.Header, body)
	switch kind := fault.KindOf(err); {
	case err == nil:
		return answer(http.StatusOK, "Taken.")
	case kind == fault.Internal || kind == fault.Unavailable:
		v.Log.Error("webhook of a tracker failed", "request_id", RequestID(v.ctx()), "error", err)
		return answer(http.StatusServiceUnavailable, "This cannot be taken now. Send it again later.")
	default:
		return answer(statusOf[kind], fault.MessageOf(err))
	}
}
