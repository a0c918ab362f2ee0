package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orrery/internal/identity"
	"orrery/internal/review"
)

// ReviewType is what to ask on an occasion.
type ReviewType struct {
	Key            string   `json:"key"`
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	Questionnaires []string `json:"questionnaires" nullable:"false"`
	CoreTiers      []int    `json:"core_tiers" nullable:"false" doc:"Tiers that are asked the core path only."`
	AboutChange    bool     `json:"about_change" doc:"It reviews a change, never the whole workload."`
	GatesLaunch    bool     `json:"gates_launch"`
	GateMode       string   `json:"gate_mode" enum:"advise,enforce"`
	ValidDays      int      `json:"valid_days"`
	Signoffs       []int    `json:"sign_offs" nullable:"false" doc:"How many approvers must agree, for tier 1, 2, 3."`
	Retired        bool     `json:"retired" doc:"It starts nothing any more."`
	HTMLURL        string   `json:"html_url" format:"uri"`
}

type typeInput struct {
	Reading
	Key string `path:"key" maxLength:"60"`
}

func (s *server) types(a huma.API) {
	const tag = "Review types"
	register(a, operation{id: "list-review-types", method: http.MethodGet, path: "/api/v1/review-types", scope: identity.ReadReviews, tag: tag, summary: "List review types"}, s.listTypes)
	register(a, operation{id: "get-review-type", method: http.MethodGet, path: "/api/v1/review-types/{key}", scope: identity.ReadReviews, tag: tag, summary: "Read a review type"}, s.getType)
}

func (s *server) listTypes(ctx context.Context, in *listingInput) (*Tagged[Page[ReviewType]], error) {
	types, err := s.Reviews.Types(ctx)
	if err != nil {
		return nil, s.problem(ctx, err, "")
	}
	data, next, err := cut(in.Listing, types, func(t review.Type) string { return t.Key }, s.reviewType)
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) getType(ctx context.Context, in *typeInput) (*Tagged[ReviewType], error) {
	t, err := s.Reviews.Type(ctx, in.Key)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, s.reviewType(t))
}

func (s *server) reviewType(t review.Type) ReviewType {
	return ReviewType{
		Key: t.Key, Name: t.Name, Description: t.Description, Questionnaires: some(t.Questionnaires), CoreTiers: some(t.CoreTiers), AboutChange: t.AboutChange,
		GatesLaunch: t.GatesLaunch, GateMode: t.GateMode, ValidDays: t.ValidDays, Signoffs: some(t.Signoffs), Retired: t.Retired, HTMLURL: s.html("/review-types/" + t.Key),
	}
}
