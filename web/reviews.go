package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// reviewRoutes show a review, and its record.
func reviewRoutes() []Route {
	return []Route{
		{"GET", "/reviews/{id}", signedIn(reviewHome)},
		{"GET", "/reviews/{id}/record", signedIn(reviewRecord)},
		{"GET", "/reviews/{id}/record.json", signedIn(reviewRecordJSON)},
	}
}

// judges lists who could decide on the workload: approvers by somebody else's word.
func (v *visit) judges(w workload.Workload, round uuid.UUID) ([]views.Judge, error) {
	list, err := identity.Approvers(v.ctx(), v.DB, w.ID, w.TeamID)
	if err != nil {
		return nil, err
	}
	people := make([]uuid.UUID, len(list))
	for i, c := range list {
		people[i] = c.ID
	}
	authors, err := review.AuthorsAmong(v.ctx(), v.DB, round, people)
	if err != nil {
		return nil, err
	}
	judges := make([]views.Judge, 0, len(list))
	for _, c := range list {
		if !slices.Contains(authors, c.ID) {
			judges = append(judges, views.Judge{Name: c.Name, Outside: !c.InTeam})
		}
	}
	return judges, nil
}

func reviewCrumbs(r review.Review, here string) []ui.Link {
	crumbs := []ui.Link{{Text: "Workloads", Href: "/workloads"}, {Text: r.Workload.Name, Href: "/workloads/" + r.Workload.Key}}
	if here == "" {
		return append(crumbs, ui.Link{Text: r.Title()})
	}
	return append(crumbs, ui.Link{Text: r.Title(), Href: r.Path()}, ui.Link{Text: here})
}

func reviewHome(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showReview(http.StatusOK, id, nil, "", nil)
}

// showReview shows the home of a review, with the plan as it is kept or as it was typed.
func (v *visit) showReview(status int, id uuid.UUID, typed *review.AgendaInput, broken string, errs ui.FieldErrors) error {
	sheet, err := v.Reviews.Sheet(v.ctx(), v.who, id)
	if err != nil {
		return err
	}
	h := views.ReviewHome{Sheet: sheet, Now: v.Now(), Plan: sheet.Agenda.Input(), PlanBroken: broken}
	if typed != nil {
		h.Plan, h.Plan.Version = *typed, sheet.Agenda.Version // saving it again replaces the other, knowingly
	}
	if h.ToConfirm, err = v.Reviews.ToConfirm(v.ctx(), sheet); err != nil {
		return err
	}
	if h.Newer, err = v.Reviews.Newer(v.ctx(), sheet.Review); err != nil {
		return err
	}
	if h.Judges, err = v.judges(sheet.Workload, sheet.Round.ID); err != nil {
		return err
	}
	if h.Run, h.HasRun, err = evidence.LatestRun(v.ctx(), v.DB, sheet.Workload.ID); err != nil {
		return err
	}
	if sheet.Round.State == review.Sealed {
		decided, turned, err := v.Reviews.EvidenceSince(v.ctx(), v.who, sheet.Workload.ID)
		if err != nil {
			return err
		}
		if decided.ID == sheet.ID {
			h.Turned = turned
		}
	}
	if h.Decision, err = v.Reviews.Latest(v.ctx(), sheet.Review); err != nil {
		return err
	}
	if h.Cancelled, err = v.Reviews.Cancellation(v.ctx(), sheet.Review); err != nil {
		return err
	}
	h.CanCancel = sheet.State == review.Open && v.who.May(identity.CancelReview, sheet.Target()) == nil
	if h.Emergencies, err = v.emergenciesOf(sheet.Review); err != nil {
		return err
	}
	draft := sheet.Round.State == review.Draft
	h.CanAnswer = draft && v.who.May(identity.AnswerReview, sheet.Target()) == nil
	h.CanSubmit = draft && v.who.May(identity.SubmitReview, sheet.Target()) == nil
	h.CanJudge = v.who.Approves(sheet.Workload.ID) && !sheet.AuthoredByActor
	if h.CanAnswer {
		if h.FromTool, err = v.Reviews.ToolOffer(v.ctx(), sheet); err != nil {
			return err
		}
	}
	if err := v.narrowHome(&h); err != nil {
		return err
	}
	h.CanPlan = sheet.State == review.Open && v.who.May(identity.StartReview, sheet.Target()) == nil
	p := v.page(sheet.Workload.Name+": "+sheet.Title(), "/reviews", reviewCrumbs(sheet.Review, "")...)
	p.Errors = errs
	return v.render(status, views.Review(p, h))
}

func reviewRecord(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	return v.showRecord(http.StatusOK, id, "", nil)
}

// roundNumber reads ?round=, 0 when it is absent.
func (v *visit) roundNumber() (int, error) {
	value := v.r.URL.Query().Get("round")
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 1 {
		return 0, fault.New(fault.NotFound, "This review has no such round.")
	}
	return int(n), nil
}

func (v *visit) paper() (review.Paper, uuid.UUID, error) {
	id, err := v.pathID("id")
	if err != nil {
		return review.Paper{}, id, err
	}
	n, err := v.roundNumber()
	if err != nil {
		return review.Paper{}, id, err
	}
	paper, err := v.Reviews.Paper(v.ctx(), v.who, id, n)
	return paper, id, err
}

// reviewRecordJSON gives the frozen bytes as they were hashed.
func reviewRecordJSON(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	n, err := v.roundNumber()
	if err != nil {
		return err
	}
	raw, err := v.Reviews.Frozen(v.ctx(), v.who, id, n)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Disposition", attachment(raw.Name+".json"))
	v.w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(v.w).Encode(raw)
}

// attachment is a Content-Disposition for a name made of keys and numbers.
func attachment(name string) string { return `attachment; filename="` + name + `"` }
