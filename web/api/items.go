package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// Item is dated work on a workload.
type Item struct {
	ID         uuid.UUID  `json:"id"`
	Workload   string     `json:"workload" doc:"Key of the workload."`
	Title      string     `json:"title"`
	Detail     string     `json:"detail"`
	Risk       string     `json:"risk" enum:"high,medium,none"`
	Cause      Cause      `json:"cause"`
	Timing     *string    `json:"timing" enum:"before_launch,after_launch" doc:"Of a condition of a decision; null for other items."`
	Owner      *Person    `json:"owner" doc:"Null while it waits in the team's queue."`
	DueOn      string     `json:"due_on" format:"date"`
	State      string     `json:"state" enum:"open,in_progress,done,verified,closed"`
	NextStates []string   `json:"next_states" nullable:"false" doc:"The states it may take from here. To verify is for people in the portal."`
	Resolution string     `json:"resolution" doc:"What was done."`
	OpenedAt   time.Time  `json:"opened_at"`
	DoneBy     *Person    `json:"done_by"`
	DoneAt     *time.Time `json:"done_at"`
	VerifiedBy *Person    `json:"verified_by"`
	VerifiedAt *time.Time `json:"verified_at"`
	ClosedAt   *time.Time `json:"closed_at"`
	Finished   bool       `json:"finished" doc:"Whether nothing is left to do."`
	SourceURL  *string    `json:"source_url" format:"uri" doc:"Where it comes from."`
	HTMLURL    string     `json:"html_url" format:"uri"`
}

// Cause is what an item comes from.
type Cause struct {
	Kind string `json:"kind" doc:"question, condition, evidence, manual. More may be added."`
	Key  string `json:"key" doc:"Of a question: questionnaire/question."`
}

type itemsInput struct {
	Listing
	Workload string `query:"workload" maxLength:"40" doc:"Key of a workload."`
	Owner    string `query:"owner" maxLength:"36" doc:"Id of a person."`
	State    string `query:"state" enum:"open,in_progress,done,verified,closed,all" doc:"Without it: everything that is not finished."`
	Overdue  bool   `query:"overdue" doc:"Only what is past its day."`
}

type itemInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

// ItemChange holds what changes; what is left out stays.
type ItemChange struct {
	Owner      Owner   `json:"owner,omitzero" maxLength:"36" doc:"Id of a person who may work on it. Null puts it back into the queue of its team, while it is not done."`
	DueOn      *string `json:"due_on,omitempty" maxLength:"10" doc:"Year-month-day, not before today."`
	State      *string `json:"state,omitempty" enum:"open,in_progress,done,verified" doc:"One step on, or back to open."`
	Resolution *string `json:"resolution,omitempty" maxLength:"4000" doc:"What was done; needed for done."`
}

type changeItemInput struct {
	Editing
	ID   string `path:"id" maxLength:"36"`
	Body ItemChange
}

func (s *server) items(a huma.API) {
	const tag = "Items"
	register(a, operation{id: "list-items", method: http.MethodGet, path: "/api/v1/items", scope: identity.ReadReviews, tag: tag, summary: "List items", about: "By due day."}, s.listItems)
	register(a, operation{id: "get-item", method: http.MethodGet, path: "/api/v1/items/{id}", scope: identity.ReadReviews, tag: tag, summary: "Read an item"}, s.getItem)
	register(a, operation{
		id: "open-item", method: http.MethodPost, path: "/api/v1/workloads/{key}/items", scope: identity.WriteItems, tag: tag, status: http.StatusCreated,
		summary: "Open an item by hand", about: "Members of the owning team may.",
	}, s.openItem)
	register(a, operation{
		id: "change-item", method: http.MethodPatch, path: "/api/v1/items/{id}", scope: identity.WriteItems, tag: tag,
		summary: "Change an item", about: "Members of the owning team may. A token never verifies: that is for another person, in the portal.",
	}, s.changeItem)
}

func (s *server) listItems(ctx context.Context, in *itemsInput) (*Tagged[Page[Item]], error) {
	f := remediation.Filter{WorkloadKey: in.Workload, State: in.State, After: in.After, Limit: in.Limit}
	if in.Owner != "" {
		var err error
		if f.OwnerID, err = uuid.Parse(in.Owner); err != nil {
			return nil, s.problem(ctx, fault.InvalidField("owner", "Write the id of a person."), "query")
		}
	}
	if in.Overdue {
		f.OverdueAt = s.Now()
	}
	items, next, err := s.Items.List(ctx, actorOf(ctx), f)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Item, 0, len(items))
	for _, it := range items {
		data = append(data, s.item(it))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadItem(ctx context.Context, id string) (remediation.Item, error) {
	known, err := pathID(id, "item")
	if err != nil {
		return remediation.Item{}, err
	}
	return s.Items.Item(ctx, actorOf(ctx), known)
}

func (s *server) getItem(ctx context.Context, in *itemInput) (*Tagged[Item], error) {
	it, err := s.loadItem(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.item(it))
}

func (s *server) changeItem(ctx context.Context, in *changeItemInput) (*Written[Item], error) {
	return change(ctx, s, in.Editing, edit[remediation.Item, Item]{
		load: func() (remediation.Item, error) { return s.loadItem(ctx, in.ID) },
		show: s.item,
		do: func(it remediation.Item) (remediation.Item, error) {
			c := remediation.Change{Version: it.Version, DueOn: it.DueOn.Format(time.DateOnly), State: it.State, Resolution: it.Resolution}
			if it.OwnerID != uuid.Nil {
				c.OwnerID = it.OwnerID.String()
			}
			in.Body.Owner.setOwner(&c)
			set(&c.DueOn, in.Body.DueOn)
			set(&c.State, in.Body.State)
			set(&c.Resolution, in.Body.Resolution)
			return s.Items.Change(ctx, actorOf(ctx), it.ID, c)
		},
	})
}

func (s *server) item(it remediation.Item) Item {
	out := Item{
		ID: it.ID, Workload: it.WorkloadKey, Title: it.Title, Detail: it.Detail, Risk: it.Risk, Cause: Cause{it.CauseKind, it.CauseKey}, Timing: present(it.Timing),
		Owner: somebody(known(it.OwnerID), it.OwnerName), DueOn: it.DueOn.Format(time.DateOnly), State: it.State, NextStates: some(it.NextStates()), Resolution: it.Resolution,
		OpenedAt: it.OpenedAt.UTC(), DoneBy: somebody(it.DoneBy, it.DoneByName), DoneAt: utc(it.DoneAt), VerifiedBy: somebody(nil, it.VerifiedBy), VerifiedAt: utc(it.VerifiedAt),
		ClosedAt: utc(it.ClosedAt), Finished: it.Finished(), HTMLURL: s.html("/items/" + it.ID.String()),
	}
	if it.OwnerID == uuid.Nil {
		out.Owner = nil
	}
	if it.Href != "" {
		source := s.html(it.Href)
		out.SourceURL = &source
	}
	return out
}
