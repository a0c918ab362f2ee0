package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/identity"
	"orrery/internal/webhook"
)

// Webhook is who is told of events.
type Webhook struct {
	ID         uuid.UUID `json:"id"`
	Name       string    `json:"name"`
	URL        string    `json:"url" format:"uri"`
	Events     []string  `json:"events" nullable:"false" doc:"Empty: every event."`
	Restricted bool      `json:"restricted" doc:"Also events of restricted workloads. Only an admin who reads all of these, as an auditor does, may set it. Others may only switch such a webhook off or take this from it, at the address that it has: 403."`
	State      string    `json:"state" enum:"on,off,gone" doc:"gone: the receiver answered 410."`
	Secret     *string   `json:"secret" doc:"Signs what is sent. Shown once, in the answer that made it; null everywhere else, also when that request is repeated."`
	Rotating   bool      `json:"rotating" doc:"The secret before signs beside the new one, for a day."`
	Version    int       `json:"version" doc:"Grows with each change, also with each new secret."`
	MadeBy     *string   `json:"made_by"`
	MadeAt     time.Time `json:"made_at"`
	HTMLURL    string    `json:"html_url" format:"uri"`
}

// Delivery is one event for one webhook.
type Delivery struct {
	ID         uuid.UUID  `json:"id"`
	Webhook    uuid.UUID  `json:"webhook"`
	MessageID  string     `json:"message_id" doc:"Its webhook-id, the same on every attempt and replay."`
	Type       string     `json:"type"`
	State      string     `json:"state" enum:"pending,delivered,failed"`
	Attempts   int        `json:"attempts"`
	LastStatus *int       `json:"last_status" doc:"Of the newest attempt; null: there was no answer."`
	Problem    *string    `json:"problem"`
	MadeAt     time.Time  `json:"made_at"`
	DueAt      *time.Time `json:"due_at" doc:"Of the next attempt; null when it is through."`
	EndedAt    *time.Time `json:"ended_at"`
	HTMLURL    string     `json:"html_url" format:"uri"`
}

// NewWebhook is what a webhook is made with.
type NewWebhook struct {
	Name       string   `json:"name" maxLength:"100"`
	URL        string   `json:"url" maxLength:"2000"`
	Events     []string `json:"events,omitempty" maxItems:"100" doc:"Types of events; without any: every event."`
	Restricted bool     `json:"restricted,omitempty"`
	Off        bool     `json:"off,omitempty" doc:"Make it without switching it on."`
}

// WebhookChange holds what changes; what is left out stays.
type WebhookChange struct {
	Name       *string   `json:"name,omitempty" maxLength:"100"`
	URL        *string   `json:"url,omitempty" maxLength:"2000"`
	Events     *[]string `json:"events,omitempty" maxItems:"100"`
	Restricted *bool     `json:"restricted,omitempty"`
	State      *string   `json:"state,omitempty" enum:"on,off"`
}

type newWebhookInput struct {
	Writing
	Body NewWebhook
}

type webhookInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type changeWebhookInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body WebhookChange
}

type editWebhookInput struct {
	Editing
	ID string `path:"id" maxLength:"36"`
}

type deliveriesInput struct {
	Listing
	ID    string `path:"id" maxLength:"36"`
	State string `query:"state" enum:"pending,delivered,failed"`
}

type doDeliveryInput struct {
	Writing
	ID string `path:"id" maxLength:"36"`
}

func (s *server) webhooks(a huma.API) {
	const tag, all, one, scope = "Webhooks", "/api/v1/webhooks", "/api/v1/webhooks/{id}", identity.WriteWebhooks
	register(a, operation{id: "list-webhooks", method: http.MethodGet, path: all, scope: scope, tag: tag, summary: "List webhooks", about: "Admins may see, change and replay webhooks."}, s.listWebhooks)
	register(a, operation{
		id: "create-webhook", method: http.MethodPost, path: all, scope: scope, tag: tag, status: http.StatusCreated,
		summary: "Create a webhook", about: "Its secret is in this answer and nowhere else. When the answer is lost, ask for a new secret.",
	}, s.createWebhook)
	register(a, operation{id: "get-webhook", method: http.MethodGet, path: one, scope: scope, tag: tag, summary: "Read a webhook"}, s.getWebhook)
	register(a, operation{id: "change-webhook", method: http.MethodPatch, path: one, scope: scope, tag: tag, summary: "Change a webhook, or switch it on or off"}, s.changeWebhook)
	register(a, operation{
		id: "delete-webhook", method: http.MethodDelete, path: one, scope: scope, tag: tag, status: http.StatusNoContent,
		summary: "Delete a webhook", about: "With its deliveries: what waits is not sent any more.",
	}, s.deleteWebhook)
	register(a, operation{
		id: "rotate-webhook-secret", method: http.MethodPost, path: one + "/secret", scope: scope, tag: tag, errors: []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
		summary: "Give a webhook a new secret", about: "With the ETag of the webhook. The secret before signs too, for a day.",
	}, s.rotateWebhook)
	register(a, operation{
		id: "test-webhook", method: http.MethodPost, path: one + "/tests", scope: scope, tag: tag, status: http.StatusAccepted,
		summary: "Send a test to a webhook", about: "It is a delivery like any other. 409 while the webhook is off.",
	}, s.testWebhook)
	register(a, operation{
		id: "replay-webhook", method: http.MethodPost, path: one + "/replays", scope: scope, tag: tag, status: http.StatusAccepted,
		summary: "Send the deliveries since a time again", about: "What failed, or everything: at most 1,000, the oldest first. 409 while the webhook is off.",
	}, s.replayWebhook)
	register(a, operation{id: "list-deliveries", method: http.MethodGet, path: one + "/deliveries", scope: scope, tag: tag, summary: "List the deliveries of a webhook", about: "Newest first; kept for 30 days."}, s.listDeliveries)
	register(a, operation{id: "get-delivery", method: http.MethodGet, path: "/api/v1/deliveries/{id}", scope: scope, tag: tag, summary: "Read a delivery"}, s.getDelivery)
	register(a, operation{
		id: "replay-delivery", method: http.MethodPost, path: "/api/v1/deliveries/{id}/replay", scope: scope, tag: tag, status: http.StatusAccepted,
		summary: "Send a delivery again", about: "With the same id and bytes. 409 while it is pending by itself, or its webhook is off.",
	}, s.replayDelivery)
}

func (s *server) listWebhooks(ctx context.Context, in *listingInput) (*Tagged[Page[Webhook]], error) {
	found, err := s.Webhooks.Endpoints(ctx, actorOf(ctx))
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	data, next, err := cut(in.Listing, found, func(e webhook.Endpoint) string { return e.ID.String() }, s.webhook)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadWebhook(ctx context.Context, id string) (webhook.Endpoint, error) {
	known, err := pathID(id, "webhook")
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return s.Webhooks.Endpoint(ctx, actorOf(ctx), known)
}

func (s *server) getWebhook(ctx context.Context, in *webhookInput) (*Tagged[Webhook], error) {
	e, err := s.loadWebhook(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.webhook(e))
}

func (s *server) createWebhook(ctx context.Context, in *newWebhookInput) (*Written[Webhook], error) {
	b := in.Body
	var secret *string
	out, err := write(ctx, s, writing[Webhook]{
		do: func() (Webhook, error) {
			e, made, err := s.Webhooks.Create(ctx, actorOf(ctx), webhook.Input{Name: b.Name, URL: b.URL, Events: b.Events, Restricted: b.Restricted, On: !b.Off})
			secret = present(made)
			return s.webhook(e), err
		},
		again: func(did audit.Did) (Webhook, error) {
			e, err := s.loadWebhook(ctx, did.TargetID)
			return s.webhook(e), err
		},
		at: func(w Webhook) string { return "/api/v1/webhooks/" + w.ID.String() },
	})
	return withSecret(out, err, secret)
}

// withSecret shows a secret once. The ETag is that of the webhook, which has none.
func withSecret(out *Written[Webhook], err error, secret *string) (*Written[Webhook], error) {
	if err == nil {
		out.Body.Secret = secret
	}
	return out, err
}

func (s *server) editWebhook(ctx context.Context, id string, do func(webhook.Endpoint) (webhook.Endpoint, error)) edit[webhook.Endpoint, Webhook] {
	return edit[webhook.Endpoint, Webhook]{load: func() (webhook.Endpoint, error) { return s.loadWebhook(ctx, id) }, show: s.webhook, do: do}
}

func (s *server) changeWebhook(ctx context.Context, in *changeWebhookInput) (*Written[Webhook], error) {
	b := in.Body
	return change(ctx, s, in.Editing, s.editWebhook(ctx, in.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		typed := webhook.Input{Name: e.Name, URL: e.URL, Events: e.Events, Restricted: e.Restricted, On: e.State == webhook.On}
		set(&typed.Name, b.Name)
		set(&typed.URL, b.URL)
		set(&typed.Events, b.Events)
		set(&typed.Restricted, b.Restricted)
		if b.State != nil {
			typed.On = *b.State == webhook.On
		}
		if err := s.Webhooks.Change(ctx, actorOf(ctx), e.ID, e.Version, typed); err != nil {
			return e, err
		}
		return s.loadWebhook(ctx, in.ID)
	}))
}

func (s *server) deleteWebhook(ctx context.Context, in *editWebhookInput) (*Removed, error) {
	return remove(ctx, s, in.Editing, s.editWebhook(ctx, in.ID, nil), func(e webhook.Endpoint) error {
		return s.Webhooks.Delete(ctx, actorOf(ctx), e.ID, e.Version)
	})
}

func (s *server) rotateWebhook(ctx context.Context, in *editWebhookInput) (*Written[Webhook], error) {
	var secret *string
	out, err := change(ctx, s, in.Editing, s.editWebhook(ctx, in.ID, func(e webhook.Endpoint) (webhook.Endpoint, error) {
		made, err := s.Webhooks.Rotate(ctx, actorOf(ctx), e.ID, e.Version)
		if err != nil {
			return e, err
		}
		secret = &made
		return s.loadWebhook(ctx, in.ID)
	}))
	return withSecret(out, err, secret)
}

// WebhookReplay says what is sent again.
type WebhookReplay struct {
	Since time.Time `json:"since"`
	All   bool      `json:"all,omitempty" doc:"Also what was delivered."`
}

type replayWebhookInput struct {
	Writing
	ID   string `path:"id" maxLength:"36"`
	Body WebhookReplay
}

// onWebhook does an act on a webhook that changes nothing of it, and answers with it.
func (s *server) onWebhook(ctx context.Context, id string, do func(webhook.Endpoint) error) (*Written[Webhook], error) {
	load := func() (Webhook, error) {
		e, err := s.loadWebhook(ctx, id)
		return s.webhook(e), err
	}
	return write(ctx, s, writing[Webhook]{
		do: func() (Webhook, error) {
			e, err := s.loadWebhook(ctx, id)
			if err == nil {
				err = do(e)
			}
			if err != nil {
				return Webhook{}, err
			}
			return load()
		},
		again: func(audit.Did) (Webhook, error) { return load() },
	})
}

func (s *server) testWebhook(ctx context.Context, in *doDeliveryInput) (*Written[Webhook], error) {
	return s.onWebhook(ctx, in.ID, func(e webhook.Endpoint) error { return s.Webhooks.SendTest(ctx, actorOf(ctx), e.ID) })
}

func (s *server) replayWebhook(ctx context.Context, in *replayWebhookInput) (*Written[Webhook], error) {
	return s.onWebhook(ctx, in.ID, func(e webhook.Endpoint) error {
		_, err := s.Webhooks.ReplaySince(ctx, actorOf(ctx), e.ID, in.Body.Since, in.Body.All)
		return err
	})
}

func (s *server) listDeliveries(ctx context.Context, in *deliveriesInput) (*Tagged[Page[Delivery]], error) {
	id, err := pathID(in.ID, "webhook")
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	found, next, err := s.Webhooks.Deliveries(ctx, actorOf(ctx), id, in.State, in.After, in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Delivery, 0, len(found))
	for _, d := range found {
		data = append(data, s.delivery(d))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadDelivery(ctx context.Context, id string) (webhook.Delivery, error) {
	known, err := pathID(id, "delivery")
	if err != nil {
		return webhook.Delivery{}, err
	}
	return s.Webhooks.Delivery(ctx, actorOf(ctx), known)
}

func (s *server) getDelivery(ctx context.Context, in *webhookInput) (*Tagged[Delivery], error) {
	d, err := s.loadDelivery(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.delivery(d))
}

func (s *server) replayDelivery(ctx context.Context, in *doDeliveryInput) (*Written[Delivery], error) {
	load := func() (Delivery, error) {
		d, err := s.loadDelivery(ctx, in.ID)
		return s.delivery(d), err
	}
	return write(ctx, s, writing[Delivery]{
		do: func() (Delivery, error) {
			d, err := s.loadDelivery(ctx, in.ID)
			if err == nil {
				_, err = s.Webhooks.Replay(ctx, actorOf(ctx), d.ID)
			}
			if err != nil {
				return Delivery{}, err
			}
			return load()
		},
		again: func(audit.Did) (Delivery, error) { return load() },
		at:    func(d Delivery) string { return "/api/v1/deliveries/" + d.ID.String() },
	})
}

func (s *server) webhook(e webhook.Endpoint) Webhook {
	return Webhook{
		ID: e.ID, Name: e.Name, URL: e.URL, Events: some(e.Events), Restricted: e.Restricted, State: e.State, Rotating: e.Rotating(s.Now()), Version: e.Version,
		MadeBy: present(e.MadeBy), MadeAt: e.MadeAt.UTC(), HTMLURL: s.html("/settings/webhooks/" + e.ID.String()),
	}
}

func (s *server) delivery(d webhook.Delivery) Delivery {
	out := Delivery{
		ID: d.ID, Webhook: d.EndpointID, MessageID: d.MessageID(), Type: d.Type, State: d.State, Attempts: d.Attempts, Problem: present(d.LastProblem),
		MadeAt: d.MadeAt.UTC(), EndedAt: utc(d.EndedAt), HTMLURL: s.html("/settings/webhooks/deliveries/" + d.ID.String()),
	}
	if d.LastStatus != 0 {
		out.LastStatus = &d.LastStatus
	}
	if d.State == webhook.Pending {
		out.DueAt = utc(&d.DueAt)
	}
	return out
}
