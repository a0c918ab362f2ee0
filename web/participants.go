package web

import (
	"net/http"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// participantRoutes show who takes part in a workload's reviews beside its team, and let the
// team choose them.
func participantRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/participants", signedIn(participantsPage)},
		{"POST", "/workloads/{key}/participants", signedIn(addParticipant)},
		{"POST", "/workloads/{key}/participants/{person}/remove", signedIn(removeParticipant)},
	}
}

func participantsPage(v *visit) error {
	w, moved, err := v.workloadByPath("/participants")
	if err != nil {
		return err
	}
	if moved != "" {
		return v.movedTo(moved)
	}
	return v.showParticipants(http.StatusOK, w, "", nil)
}

func (v *visit) showParticipants(status int, w workload.Workload, email string, errs ui.FieldErrors) error {
	people, err := identity.Participants(v.ctx(), v.DB, w.ID)
	if err != nil {
		return err
	}
	page := v.page("Participants of "+w.Name, "/workloads", workloadCrumbs(w, "Participants")...)
	page.Errors = errs
	return v.render(status, views.Participants(page, views.ParticipantsPage{
		Workload: w, People: people, Email: email, CanChange: v.who.May(identity.EditWorkload, w.Target()) == nil,
	}))
}

func addParticipant(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	email := form.Get("email")
	one, err := v.Workloads.AddParticipant(v.ctx(), v.who, w.ID, email)
	if errs, bad := invalid(err); bad {
		return v.showParticipants(http.StatusUnprocessableEntity, w, email, errs)
	}
	if fault.Is(err, fault.Conflict) {
		return v.showParticipants(http.StatusConflict, w, email, ui.FieldErrors{{Name: "email", Message: fault.MessageOf(err)}})
	}
	if err != nil {
		return err
	}
	return v.redirect("/workloads/"+w.Key+"/participants", one.Name+" takes part now.")
}

func removeParticipant(v *visit) error {
	w, _, err := v.workloadByPath("")
	if err != nil {
		return err
	}
	person, err := uuid.Parse(v.r.PathValue("person"))
	if err != nil {
		return fault.New(fault.NotFound, "There is no such person.")
	}
	if err := v.Workloads.RemoveParticipant(v.ctx(), v.who, w.ID, person); err != nil {
		return err
	}
	return v.redirect("/workloads/"+w.Key+"/participants", "They no longer take part.")
}
