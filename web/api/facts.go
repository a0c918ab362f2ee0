package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/identity"
)

// OwnFact is a fact that a program reported on a workload.
type OwnFact struct {
	ID         uuid.UUID       `json:"id"`
	Source     string          `json:"source"`
	Key        string          `json:"key"`
	Subject    string          `json:"subject"`
	State      string          `json:"state" enum:"pass,fail,unknown"`
	Title      string          `json:"title"`
	Link       *string         `json:"link"`
	ObservedAt time.Time       `json:"observed_at"`
	ValidUntil time.Time       `json:"valid_until"`
	Ended      bool            `json:"ended" doc:"It is past its end, and supports nothing any more."`
	ReportedBy Person          `json:"reported_by"`
	ReportedAt time.Time       `json:"reported_at"`
	HTMLURL    string          `json:"html_url" format:"uri" doc:"The evidence of its workload."`
	Document   json.RawMessage `json:"document,omitempty" doc:"Not in lists."`
}

// NewFact is a fact as it is reported.
type NewFact struct {
	Source     string          `json:"source" maxLength:"44" doc:"own: and a name, such as own:pipeline. A check of a questionnaire names the same."`
	Key        string          `json:"key" maxLength:"100" doc:"What was looked at, such as load_test."`
	Subject    string          `json:"subject,omitempty" maxLength:"300" doc:"Which of several, such as a database; leave it out for the workload as a whole."`
	State      string          `json:"state" enum:"pass,fail,unknown"`
	Title      string          `json:"title" maxLength:"300" doc:"One sentence: what was seen."`
	Link       string          `json:"link,omitempty" maxLength:"1000" doc:"Where more of it is."`
	ObservedAt time.Time       `json:"observed_at"`
	ValidUntil *time.Time      `json:"valid_until,omitempty" doc:"At most 400 days after it was observed; without it 30 hours. The check may say less."`
	Document   json.RawMessage `json:"document,omitempty" doc:"Any JSON, at most 64 KB."`
}

// Report is what a program found.
type Report struct {
	Facts []NewFact `json:"facts" minItems:"1" maxItems:"500"`
}

// Reported is the answer to a report.
type Reported struct {
	Workload string `json:"workload"`
	Facts    int    `json:"facts" doc:"How many were in the report."`
	HTMLURL  string `json:"html_url" format:"uri"`
}

type ownFactsInput struct {
	Listing
	Key     string `path:"key" maxLength:"40" doc:"Key of the workload."`
	Source  string `query:"source" maxLength:"44"`
	FactKey string `query:"key" maxLength:"100"`
}

type ownFactInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

type reportInput struct {
	Writing
	Key  string `path:"key" maxLength:"40" doc:"Key of the workload."`
	Body Report
}

type removeFactInput struct {
	Editing
	ID string `path:"id" maxLength:"36"`
}

func (s *server) facts(a huma.API) {
	const tag, all, one = "Evidence", "/api/v1/workloads/{key}/facts", "/api/v1/facts/{id}"
	register(a, operation{
		id: "report-facts", method: http.MethodPost, path: all, scope: identity.WriteEvidence, tag: tag,
		summary: "Report facts of your own", about: "Each replaces what you reported before with the same source, key and subject, unless that was observed later; those of others stay. Members of the owning team may.",
	}, s.reportFacts)
	register(a, operation{
		id: "list-facts", method: http.MethodGet, path: all, scope: identity.ReadReviews, tag: tag,
		summary: "List the facts that programs reported", about: "For the owning team, holders of a grant on the workload, and auditors. Findings of AWS are in the portal.",
	}, s.listFacts)
	register(a, operation{id: "get-fact", method: http.MethodGet, path: one, scope: identity.ReadReviews, tag: tag, summary: "Read a fact with its document"}, s.getFact)
	register(a, operation{
		id: "remove-fact", method: http.MethodDelete, path: one, scope: identity.WriteEvidence, tag: tag, status: http.StatusNoContent,
		summary: "Remove a fact", about: "What it spoke for is then not reported. Members of the owning team may.",
	}, s.removeFact)
}

func (s *server) reportFacts(ctx context.Context, in *reportInput) (*Written[Reported], error) {
	facts := make([]evidence.OwnInput, len(in.Body.Facts))
	for i, f := range in.Body.Facts {
		facts[i] = evidence.OwnInput{Source: f.Source, Key: f.Key, Subject: f.Subject, State: f.State, Title: f.Title, Link: f.Link, ObservedAt: f.ObservedAt, Document: f.Document}
		set(&facts[i].ValidUntil, f.ValidUntil)
	}
	result := func() (Reported, error) {
		w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
		return Reported{w.Key, len(facts), s.html("/workloads/" + w.Key + "/evidence")}, err
	}
	return write(ctx, s, writing[Reported]{
		do: func() (Reported, error) {
			w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
			if err == nil {
				err = s.Evidence.Report(ctx, actorOf(ctx), w.ID, facts)
			}
			if err != nil {
				return Reported{}, err
			}
			return result()
		},
		again: func(audit.Did) (Reported, error) { return result() },
	})
}

func (s *server) listFacts(ctx context.Context, in *ownFactsInput) (*Tagged[Page[OwnFact]], error) {
	w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	found, next, err := s.Evidence.Own(ctx, actorOf(ctx), w.ID, evidence.OwnFilter{Source: in.Source, Key: in.FactKey, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	data := make([]OwnFact, 0, len(found))
	for _, f := range found {
		data = append(data, s.ownFact(f))
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) loadFact(ctx context.Context, id string) (evidence.OwnFact, error) {
	known, err := pathID(id, "fact")
	if err != nil {
		return evidence.OwnFact{}, err
	}
	return s.Evidence.OwnFact(ctx, actorOf(ctx), known)
}

func (s *server) getFact(ctx context.Context, in *ownFactInput) (*Tagged[OwnFact], error) {
	f, err := s.loadFact(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.ownFact(f))
}

func (s *server) removeFact(ctx context.Context, in *removeFactInput) (*Removed, error) {
	return remove(ctx, s, in.Editing, edit[evidence.OwnFact, OwnFact]{
		load: func() (evidence.OwnFact, error) { return s.loadFact(ctx, in.ID) },
		show: s.ownFact,
	}, func(f evidence.OwnFact) error { return s.Evidence.RemoveOwn(ctx, actorOf(ctx), f.ID) })
}

func (s *server) ownFact(f evidence.OwnFact) OwnFact {
	return OwnFact{
		ID: f.ID, Source: f.Source, Key: f.Key, Subject: f.Subject, State: string(f.State), Title: f.Title, Link: present(f.Link), ObservedAt: f.ObservedAt.UTC(),
		ValidUntil: f.ValidUntil.UTC(), Ended: s.Now().After(f.ValidUntil), ReportedBy: Person{known(f.ReporterID), f.Reporter}, ReportedAt: f.ReportedAt.UTC(), Document: f.Document,
		HTMLURL: s.html("/workloads/" + f.Workload + "/evidence"),
	}
}
