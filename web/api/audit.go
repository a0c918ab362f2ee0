package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

// Act is one record of what was done.
type Act struct {
	Stream     string     `json:"stream" doc:"workload/{id}, or org."`
	Seq        int64      `json:"seq"`
	At         time.Time  `json:"at"`
	Actor      Person     `json:"actor"`
	Token      *uuid.UUID `json:"token" doc:"Id of the API token that it came by."`
	RequestID  *string    `json:"request_id"`
	Verb       string     `json:"verb"`
	TargetKind string     `json:"target_kind"`
	TargetID   string     `json:"target_id"`
	Details    []Fact     `json:"details" nullable:"false"`
	Hash       string     `json:"hash"`
	HTMLURL    string     `json:"html_url" format:"uri" doc:"Page of what it acted on; of the audit record, when that has none of its own."`
}

// Fact is one fact of an act: references, counts and hashes.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type auditInput struct {
	Listing
	Stream     string    `query:"stream" maxLength:"100"`
	Verb       string    `query:"verb" maxLength:"100" doc:"Exactly, or all that begin with it when it ends in a dot."`
	TargetKind string    `query:"target_kind" maxLength:"100"`
	TargetID   string    `query:"target_id" maxLength:"300"`
	Actor      string    `query:"actor" maxLength:"36" doc:"Id of a person."`
	Since      time.Time `query:"since" doc:"This moment or later."`
	Until      time.Time `query:"until" doc:"Before this moment."`
}

func (s *server) audit(a huma.API) {
	register(a, operation{
		id: "list-acts", method: http.MethodGet, path: "/api/v1/audit", scope: identity.ScopeAudit, tag: "Audit record",
		summary: "List what was done", about: "Newest first. Auditors and admins may.",
	}, s.listActs)
}

func (s *server) listActs(ctx context.Context, in *auditInput) (*Tagged[Page[Act]], error) {
	f := audit.Filter{
		Stream: in.Stream, Verb: in.Verb, TargetKind: in.TargetKind, TargetID: in.TargetID, Since: in.Since, Until: in.Until, After: in.After, Limit: in.Limit,
	}
	if in.Actor != "" {
		var err error
		if f.ActorID, err = uuid.Parse(in.Actor); err != nil {
			return nil, s.problem(ctx, fault.InvalidField("actor", "Write the id of a person."), "query")
		}
	}
	found, next, err := audit.Records(ctx, s.DB, actorOf(ctx), f)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]Act, 0, len(found))
	for _, e := range found {
		one := Act{
			Stream: e.Stream, Seq: e.Seq, At: e.At.UTC(), Actor: Person{known(e.ActorID), e.ActorName}, Token: known(e.TokenID), RequestID: present(e.RequestID), Verb: e.Verb,
			TargetKind: e.TargetKind, TargetID: e.TargetID, Details: []Fact{}, Hash: hex.EncodeToString(e.Hash),
		}
		one.HTMLURL = s.html(pageOf(e.TargetKind, e.TargetID))
		for _, d := range e.Details {
			one.Details = append(one.Details, Fact(d))
		}
		data = append(data, one)
	}
	return list(ctx, s, in.Listing, data, next)
}

var pages = map[string]string{
	"item": "/items/", "review": "/reviews/", "acceptance": "/acceptances/", "person": "/people/", "incident": "/incidents/", "lesson": "/lessons/", "run": "/runs/",
	"webhook": "/settings/webhooks/",
}

// pageOf is the page of what an act acted on, or that of the audit record.
func pageOf(kind, id string) string {
	if at, known := pages[kind]; known && uuid.Validate(id) == nil {
		return at + id
	}
	return "/audit"
}
