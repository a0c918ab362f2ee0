package api

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"orrery/internal/audit"
	"orrery/internal/remediation"
)

// NewItem is an item that is opened by hand.
type NewItem struct {
	Title  string `json:"title" maxLength:"300"`
	Detail string `json:"detail,omitempty" maxLength:"4000"`
	Risk   string `json:"risk" enum:"high,medium,none"`
	Owner  string `json:"owner" maxLength:"36" doc:"Id of a person who may work on it."`
	DueOn  string `json:"due_on,omitempty" maxLength:"10" doc:"Year-month-day, not before today; left out: by the policy on due days."`
}

type newItemInput struct {
	Writing
	Key  string `path:"key" maxLength:"40"`
	Body NewItem
}

func (s *server) openItem(ctx context.Context, in *newItemInput) (*Written[Item], error) {
	show := func(id string) (Item, error) {
		it, err := s.loadItem(ctx, id)
		if err != nil {
			return Item{}, err
		}
		return s.item(it), nil
	}
	return write(ctx, s, writing[Item]{
		do: func() (Item, error) {
			w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
			if err != nil {
				return Item{}, err
			}
			b := in.Body
			id, err := s.Items.Open(ctx, actorOf(ctx), w.ID, remediation.NewItem{Title: b.Title, Detail: b.Detail, Risk: b.Risk, OwnerID: b.Owner, DueOn: b.DueOn})
			if err != nil {
				return Item{}, err
			}
			return show(id.String())
		},
		again: func(did audit.Did) (Item, error) { return show(did.TargetID) },
		at:    func(it Item) string { return "/api/v1/items/" + it.ID.String() },
	})
}

// Owner is the owner that a change names; null is not the same as nothing.
type Owner struct {
	Named bool
	ID    string // empty: null
}

// UnmarshalJSON reads an id or null.
func (o *Owner) UnmarshalJSON(b []byte) error {
	o.Named, o.ID = true, ""
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &o.ID)
}

// Schema says that it is a word or null.
func (o *Owner) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[string](), false, "")
	s.Nullable = true
	return s
}

// setOwner names the owner of a change: null for nobody.
func (o *Owner) setOwner(c *remediation.Change) {
	if o.Named {
		c.OwnerID = o.ID
	}
}
