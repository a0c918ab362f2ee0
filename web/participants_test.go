package web_test

import (
	"net/http"
	"testing"

	"orrery/internal/identity"
)

// Somebody from outside takes part in a restricted workload: they read and talk, and neither answer
// nor decide; once removed they know nothing of it.
func TestParticipants(t *testing.T) {
	r := newReviewed(t, true)
	question := r.sheet.QuestionPath(r.sheet.Entries()[0])
	r.vera.get("/workloads/payments").is(http.StatusNotFound)
	r.asha.get("/workloads/payments").says("Participants from outside")
	page := "/workloads/payments/participants"
	r.asha.get(page).is(http.StatusOK).says("Nobody from outside takes part")
	r.asha.post(page, "email", "nobody@example.org").is(http.StatusUnprocessableEntity).says("Nobody who can sign in has this address.")
	if kept := r.asha.post(page, "email", "not an address").is(http.StatusUnprocessableEntity).value("email"); kept != "not an address" {
		t.Errorf("the form keeps %q", kept)
	}
	r.asha.follow(r.asha.post(page, "email", " VERA@example.org ").leadsTo(page)).says("Vera Lind takes part now.", "vera@example.org")
	r.asha.post(page, "email", "vera@example.org").is(http.StatusConflict).says("Vera Lind takes part already.")

	r.vera.get("/workloads").says("Payments")
	r.vera.get(page).is(http.StatusOK).says("Vera Lind").hides("Let somebody take part")
	r.vera.get(r.path).is(http.StatusOK)
	r.vera.get("/workloads/payments/evidence?view=facts").is(http.StatusOK)
	r.vera.post(question+"/talk", "body", "Have you tried it?").is(http.StatusSeeOther)
	r.vera.post(question, "version", "0", "unknown", "1").is(http.StatusForbidden)
	r.vera.post(page, "email", "noor@example.org").is(http.StatusForbidden)
	r.Ada.get("/people/"+r.vera.actor().PersonID.String()).says("Participant", "a restricted workload")

	r.asha.follow(r.asha.post(page + "/" + r.vera.actor().PersonID.String() + "/remove").leadsTo(page)).says("They no longer take part.")
	r.vera.get("/workloads/payments").is(http.StatusNotFound)
	r.vera.get("/workloads").hides("Payments")
	r.asha.post(page + "/" + r.vera.actor().PersonID.String() + "/remove").is(http.StatusNotFound)
	r.asha.get(question).says("Have you tried it?")
}

// A curator adds a review type: it is offered once it is no longer retired.
func TestReviewTypeIsAdded(t *testing.T) {
	s := newSite(t)
	s.publish()
	team := s.team("ledger", "Ledger")
	_, cara := s.person("Cara Quist", identity.InviteInput{Roles: []identity.OrgRole{identity.Curator}, Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	s.workload("payments", "Payments", "ledger", false)
	s.Ada.get("/review-types").is(http.StatusOK).hides("Add a review type")
	s.Ada.post("/review-types", "key", "quarterly", "name", "Quarterly check", "like", "annual").is(http.StatusForbidden)
	refused := cara.post("/review-types", "key", "Quarterly!", "name", "", "like", "nothing").is(http.StatusUnprocessableEntity).says("Give the type a name", "small letters")
	if refused.value("key") != "Quarterly!" {
		t.Error("a refused form does not keep the key")
	}
	cara.post("/review-types", "key", "new-service", "name", "Twice", "like", "annual").is(http.StatusUnprocessableEntity).says("with this key already")
	cara.post("/review-types", "key", "quarterly", "name", "Quarterly check", "like", "no-such").is(http.StatusUnprocessableEntity).says("Choose a type to begin with")
	cara.follow(cara.post("/review-types", "key", "quarterly", "name", "Quarterly check", "like", "annual").leadsTo("/review-types/quarterly")).says("The review type is made.", "Quarterly check")
	cara.get("/workloads/payments/reviews/new").hides("Quarterly check")
	cara.post("/workloads/payments/reviews", "type", "quarterly").is(http.StatusUnprocessableEntity)
	s.count(`with x as (update review_types set retired = false where key = 'quarterly' returning 1) select count(*) from x`)
	cara.get("/workloads/payments/reviews/new").says("Quarterly check")
}
