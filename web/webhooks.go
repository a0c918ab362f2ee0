package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/webhook"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// webhookRoutes set webhooks up and show what became of each delivery.
func webhookRoutes() []Route {
	return []Route{
		{"GET", "/settings/webhooks", connections(webhookList)},
		{"GET", "/settings/webhooks/new", connections(newWebhookPage)},
		{"POST", "/settings/webhooks/new", connections(createWebhook)},
		{"GET", "/settings/webhooks/{id}", connections(webhookPage)},
		{"POST", "/settings/webhooks/{id}", connections(changeWebhook)},
		{"POST", "/settings/webhooks/{id}/secret", connections(rotateWebhook)},
		{"POST", "/settings/webhooks/{id}/delete", connections(deleteWebhook)},
		{"POST", "/settings/webhooks/{id}/test", connections(testWebhook)},
		{"POST", "/settings/webhooks/{id}/replay", connections(replayWebhook)},
		{"GET", "/settings/webhooks/deliveries/{id}", connections(deliveryPage)},
		{"POST", "/settings/webhooks/deliveries/{id}/replay", connections(replayDelivery)},
	}
}

var allWebhooks = ui.Link{Text: "Webhooks", Href: "/settings/webhooks"}

func webhookList(v *visit) error {
	list, err := v.Webhooks.Endpoints(v.ctx(), v.who)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Webhooks(v.settings("Webhooks", ui.Link{Text: "Webhooks"}), views.WebhooksPage{Endpoints: list, Ready: v.Webhooks.Ready(), Now: v.Now()}))
}

func newWebhookPage(v *visit) error {
	return v.showWebhookForm(http.StatusOK, views.WebhookForm{On: true, Every: true}, nil)
}

func (v *visit) showWebhookForm(status int, f views.WebhookForm, errs ui.FieldErrors) error {
	f.ReadsAll = webhook.ReadsAll(v.who)
	return v.render(status, views.WebhookNew(v.setting("New webhook", errs, allWebhooks), f))
}

// readWebhook reads the form; with "every" no event is named.
func readWebhook(form url.Values) views.WebhookForm {
	return views.WebhookForm{
		Name: form.Get("name"), URL: form.Get("url"), Events: form["event"], Every: form.Get("which") != "some", Restricted: form.Get("restricted") == "1",
		On: form.Get("on") == "1", Version: form.Get("version"),
	}
}

func webhookInput(f views.WebhookForm) (webhook.Input, error) {
	in := webhook.Input{Name: f.Name, URL: f.URL, Restricted: f.Restricted, On: f.On}
	if !f.Every {
		if in.Events = f.Events; len(f.Events) == 0 {
			return in, fault.InvalidField("event", "Choose at least one event, or every event.")
		}
	}
	return in, nil
}

func createWebhook(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f := readWebhook(form)
	in, err := webhookInput(f)
	var e webhook.Endpoint
	var secret string
	if err == nil {
		e, secret, err = v.Webhooks.Create(v.ctx(), v.who, in)
	}
	if status, errs, again := refused(err); again {
		return v.showWebhookForm(status, f, errs)
	}
	if err != nil {
		return err
	}
	return v.showSecret(e.Name, secret, "/settings/webhooks/"+e.ID.String(), "It signs every delivery to "+e.URL+" as Standard Webhooks say: the receiver takes it without whsec_, decodes it from base64, and computes HMAC-SHA-256 over the headers webhook-id and webhook-timestamp and the body, with a dot between each. In base64 that is what webhook-signature has after v1 and a comma. Libraries for Standard Webhooks do this.")
}

func webhookPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showWebhook(http.StatusOK, id, nil, nil)
}

// showWebhook shows a webhook with its log, and a refused form as typed.
func (v *visit) showWebhook(status int, id uuid.UUID, typed *views.WebhookForm, errs ui.FieldErrors) error {
	q := v.r.URL.Query()
	page := views.WebhookPage{State: q.Get("state"), After: q.Get("after"), Now: v.Now()}
	var err error
	if page.Endpoint, err = v.Webhooks.Endpoint(v.ctx(), v.who, id); err != nil {
		return err
	}
	if page.Log, page.Next, err = v.Webhooks.Log(v.ctx(), v.who, id, page.State, page.After); err != nil {
		return err
	}
	e := page.Endpoint
	page.Form = views.WebhookForm{
		Name: e.Name, URL: e.URL, Events: e.Events, Every: len(e.Events) == 0, Restricted: e.Restricted, On: e.State == webhook.On, Version: strconv.Itoa(e.Version),
	}
	if typed != nil {
		page.Form = *typed
		if status == http.StatusConflict {
			page.Form.Version = strconv.Itoa(e.Version)
		}
	}
	page.Form.ReadsAll, page.Form.Hears = webhook.ReadsAll(v.who), e.Restricted
	return v.render(status, views.Webhook(v.setting(e.Name, errs, allWebhooks), page))
}

func changeWebhook(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	f := readWebhook(form)
	version, _ := strconv.Atoi(f.Version) // a version nobody wrote is 0, which is stale
	in, err := webhookInput(f)
	if err == nil {
		err = v.Webhooks.Change(v.ctx(), v.who, id, version, in)
	}
	if status, errs, again := refused(err); again {
		return v.showWebhook(status, id, &f, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings/webhooks/"+id.String(), "The webhook is saved.")
}

func rotateWebhook(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	secret, err := v.Webhooks.Rotate(v.ctx(), v.who, id, versionOf(form))
	if status, errs, again := refused(err); again {
		return v.showWebhook(status, id, nil, errs)
	}
	if err != nil {
		return err
	}
	return v.showSecret("New secret", secret, "/settings/webhooks/"+id.String(), "For a day the secret before signs too: give the receiver both, then drop the old one.")
}

func deleteWebhook(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	err = v.Webhooks.Delete(v.ctx(), v.who, id, versionOf(form))
	if status, errs, again := refused(err); again {
		return v.showWebhook(status, id, nil, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings/webhooks", "The webhook is deleted.")
}

func testWebhook(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if err := v.Webhooks.SendTest(v.ctx(), v.who, id); err != nil {
		return err
	}
	return v.redirect("/settings/webhooks/"+id.String(), "A test is on its way. Load the page again to see what became of it.")
}

func replayWebhook(v *visit) error {
	id, form, err := v.idForm()
	if err != nil {
		return err
	}
	since, err := time.Parse(time.DateOnly, form.Get("since"))
	if err != nil {
		return v.showWebhook(http.StatusUnprocessableEntity, id, nil, ui.FieldErrors{{Name: "since", Message: "Write the day as year-month-day, for example 2026-11-30."}})
	}
	n, err := v.Webhooks.ReplaySince(v.ctx(), v.who, id, since, form.Get("what") == "all")
	if status, errs, again := refused(err); again {
		return v.showWebhook(status, id, nil, errs)
	}
	if err != nil {
		return err
	}
	return v.redirect("/settings/webhooks/"+id.String(), views.Counted(n, "delivery goes", "deliveries go")+" out again.")
}

func deliveryPage(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	d, err := v.Webhooks.Delivery(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	e, err := v.Webhooks.Endpoint(v.ctx(), v.who, d.EndpointID)
	if err != nil {
		return err
	}
	p := v.settings(d.Type, allWebhooks, ui.Link{Text: e.Name, Href: "/settings/webhooks/" + e.ID.String()}, ui.Link{Text: "Delivery"})
	return v.render(http.StatusOK, views.Delivery(p, d, e))
}

func replayDelivery(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	if _, err := v.Webhooks.Replay(v.ctx(), v.who, id); err != nil {
		return err
	}
	return v.redirect("/settings/webhooks/deliveries/"+id.String(), "It goes out again, with the same id.")
}
