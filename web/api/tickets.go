package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/tickets"
)

// Ticket is a ticket of an item, in the system that keeps it.
type Ticket struct {
	ID       string     `json:"id" format:"uuid" doc:"Names the ticket in its address in place of its key, while it has none."`
	System   string     `json:"system" doc:"jira and github when a tracker follows it, else the name that it was linked with; other: it was typed in the portal."`
	Key      *string    `json:"key" doc:"Null while a tracker makes it."`
	URL      *string    `json:"url" format:"uri"`
	State    string     `json:"state" enum:"creating,linked,failed"`
	Followed bool       `json:"followed" doc:"A tracker keeps it in step with the item."`
	Status   string     `json:"status" doc:"In the words of the system."`
	Closed   bool       `json:"closed" doc:"As a tracker that follows it says, or the program that linked it."`
	SyncedAt *time.Time `json:"synced_at" doc:"When its status was heard of last."`
	Problem  *string    `json:"problem" doc:"Why a tracker could not make or read it."`
	MadeAt   time.Time  `json:"made_at"`
	HTMLURL  string     `json:"html_url" format:"uri" doc:"Page of the item."`
}

// TicketPlace names a ticket of an item.
type TicketPlace struct {
	ID     string `path:"id" maxLength:"36" doc:"Id of the item."`
	System string `path:"system" maxLength:"40" doc:"Small letters, digits and hyphens, such as servicenow."`
	Key    string `path:"key" maxLength:"200" doc:"Key in that system, such as CHG-4471. The id of the ticket while its key is null."`
}

type itemListInput struct {
	Listing
	ID string `path:"id" maxLength:"36" doc:"Id of the item."`
}

type ticketInput struct {
	Reading
	TicketPlace
}

// TicketBody is where a ticket is, and how it stands.
type TicketBody struct {
	URL    string `json:"url" maxLength:"2000"`
	Status string `json:"status,omitempty" maxLength:"200" doc:"In the words of the system; shown beside the ticket. It moves no item."`
	Closed bool   `json:"closed,omitempty" doc:"The ticket has ended in its system. It moves no item."`
}

type putTicketInput struct {
	Editing
	TicketPlace
	Body TicketBody
}

type removeTicketInput struct {
	Editing
	TicketPlace
}

// Put is the answer to a PUT that may make what it names: then with the status 201.
type Put[T any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed"`
	Body     T
}

func (s *server) tickets(a huma.API) {
	const tag, all, one = "Items", "/api/v1/items/{id}/tickets", "/api/v1/items/{id}/tickets/{system}/{key}"
	register(a, operation{id: "list-tickets", method: http.MethodGet, path: all, scope: identity.ReadReviews, tag: tag, summary: "List the tickets of an item", about: "The oldest first."}, s.listTickets)
	register(a, operation{id: "get-ticket", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag, summary: "Read a ticket of an item"}, s.getTicket)
	register(a, operation{
		id: "put-ticket", method: http.MethodPut, path: one, scope: identity.WriteItems, tag: tag,
		summary: "Link a ticket to an item", about: "Makes the link (201), or says anew where the ticket is and how it stands. To say the same again changes nothing and needs no If-Match. Members of the owning team may. " +
			"A ticket that a tracker follows is told by the tracker: 409.",
	}, s.putTicket)
	put := a.OpenAPI().Paths[one].Put
	put.Responses["201"] = put.Responses["200"]
	register(a, operation{
		id: "remove-ticket", method: http.MethodDelete, path: one, scope: identity.WriteItems, tag: tag, status: http.StatusNoContent,
		summary: "Unlink a ticket", about: "The ticket itself stays in its system. Members of the owning team may.",
	}, s.removeTicket)
}

func (s *server) listTickets(ctx context.Context, in *itemListInput) (*Tagged[Page[Ticket]], error) {
	it, err := s.loadItem(ctx, in.ID)
	var found []tickets.Link
	if err == nil {
		found, err = tickets.LinksOf(ctx, s.DB, it.ID)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	data, next, err := cut(in.Listing, found, func(l tickets.Link) string { return l.ID.String() }, s.ticket)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadTicket(ctx context.Context, at TicketPlace) (tickets.Link, error) {
	it, err := s.loadItem(ctx, at.ID)
	if err != nil {
		return tickets.Link{}, err
	}
	return tickets.LinkOf(ctx, s.DB, it.ID, at.System, at.Key)
}

func (s *server) getTicket(ctx context.Context, in *ticketInput) (*Tagged[Ticket], error) {
	l, err := s.loadTicket(ctx, in.TicketPlace)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.ticket(l))
}

func (s *server) putTicket(ctx context.Context, in *putTicketInput) (*Put[Ticket], error) {
	status := http.StatusOK
	out, err := write(ctx, s, writing[Ticket]{
		do: func() (Ticket, error) {
			l, made, err := s.placeTicket(ctx, in)
			if made {
				status = http.StatusCreated
			}
			return s.ticket(l), err
		},
		again: func(audit.Did) (Ticket, error) {
			l, err := s.loadTicket(ctx, in.TicketPlace)
			return s.ticket(l), err
		},
		at: func(Ticket) string {
			return "/api/v1/items/" + in.ID + "/tickets/" + url.PathEscape(in.System) + "/" + url.PathEscape(in.Key)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Put[Ticket]{Status: status, ETag: out.ETag, Location: out.Location, Replayed: out.Replayed, Body: out.Body}, nil
}

// placeTicket makes the link, or changes it as the writer saw it.
func (s *server) placeTicket(ctx context.Context, in *putTicketInput) (l tickets.Link, made bool, err error) {
	it, err := s.loadItem(ctx, in.ID)
	if err != nil {
		return l, false, err
	}
	o := tickets.Outside{System: in.System, Key: in.Key, URL: in.Body.URL, Status: in.Body.Status, Closed: in.Body.Closed}
	l, err = tickets.LinkOf(ctx, s.DB, it.ID, in.System, in.Key)
	switch {
	case fault.Is(err, fault.NotFound) && in.IfMatch != "":
		return l, false, refuse(ctx, http.StatusPreconditionFailed, "header.If-Match", "There is no such ticket. Leave If-Match out to link it.")
	case fault.Is(err, fault.NotFound):
		l, err = s.Tickets.Put(ctx, actorOf(ctx), it.ID, 0, o)
		return l, err == nil, err
	case err != nil || in.IfMatch == "" && l.Is(o):
		return l, false, err
	}
	if err := guard(ctx, in.IfMatch, s.ticket(l)); err != nil {
		return l, false, err
	}
	l, err = s.Tickets.Put(ctx, actorOf(ctx), it.ID, l.Version, o)
	return l, false, err
}

func (s *server) removeTicket(ctx context.Context, in *removeTicketInput) (*Removed, error) {
	return remove(ctx, s, in.Editing, edit[tickets.Link, Ticket]{
		load: func() (tickets.Link, error) { return s.loadTicket(ctx, in.TicketPlace) },
		show: s.ticket,
	}, func(l tickets.Link) error { return s.Tickets.Unlink(ctx, actorOf(ctx), l.ItemID, l.ID) })
}

func (s *server) ticket(l tickets.Link) Ticket {
	return Ticket{
		ID: l.ID.String(), System: l.SystemName(), Key: present(l.Key), URL: present(l.URL), State: l.State, Followed: l.TrackerID != nil, Status: l.Status, Closed: l.Closed,
		SyncedAt: utc(l.SyncedAt), Problem: present(l.Problem), MadeAt: l.MadeAt.UTC(), HTMLURL: s.html("/items/" + l.ItemID.String()),
	}
}
