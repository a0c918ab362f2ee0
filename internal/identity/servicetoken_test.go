package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

func TestServiceToken(t *testing.T) {
	w := newWorld(t)
	team := must(w.s.CreateTeam(w.ctx, w.ada, "ledger", "Ledger"))(t)
	other := must(w.s.CreateTeam(w.ctx, w.ada, "depot", "Depot"))(t)
	lead, _ := w.join("Lea", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	mate, _ := w.join("Mia", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	scopes := []string{identity.WriteItems, identity.ReadReviews}
	made, secret, err := w.s.CreateServiceToken(w.ctx, lead, team.ID, "release pipeline", scopes, time.Hour)
	w.ok(err)
	if !strings.HasPrefix(secret, "orr_svc_") || made.Scopes[0] != identity.ReadReviews {
		t.Errorf("%q %v", secret[:8], made.Scopes)
	}
	who := must(w.s.ActorByToken(w.ctx, secret))(t)
	if !who.Service || who.Name != "release pipeline" || !who.InTeam(team.ID) || who.Leads(team.ID) || who.InTeam(other.ID) || len(who.Roles)+len(who.Grants) > 0 {
		t.Errorf("the service is %+v", who)
	}
	in := identity.Target{TeamID: team.ID}
	for do, want := range map[identity.Action]bool{
		identity.WorkItems: true, identity.CollectEvidence: false, identity.AnswerReview: false, identity.Judge: false, identity.VerifyItem: false, identity.SubmitReview: false,
		identity.ManagePeople: false, identity.GrantAcceptance: false, identity.RetireWorkload: false, identity.MarkQuestions: false,
	} {
		if err := who.May(do, in); (err == nil) != want {
			t.Errorf("action %d: %v", do, err)
		}
	}
	people, _, err := w.s.People(w.ctx, w.ada, identity.PeopleFilter{Deactivated: true})
	w.ok(err)
	for _, p := range people {
		if p.ID == who.PersonID {
			t.Error("the service is among the people")
		}
	}
	refused(t, w.s.SetRoles(w.ctx, w.ada, who.PersonID, []identity.OrgRole{identity.Admin}), fault.NotFound)
	_, err = w.s.NewLink(w.ctx, w.ada, who.PersonID)
	refused(t, err, fault.NotFound)
	_, _, err = w.s.CreateTokenFor(w.ctx, who.Email, "x", read, time.Hour)
	refused(t, err, fault.NotFound)

	create := func(by identity.Actor, team uuid.UUID, name string, scopes []string) error {
		_, _, err := w.s.CreateServiceToken(w.ctx, by, team, name, scopes, time.Hour)
		return err
	}
	refused(t, create(mate, team.ID, "x", scopes), fault.Forbidden)
	refused(t, create(lead, other.ID, "x", scopes), fault.Forbidden)
	refused(t, create(who, team.ID, "x", scopes), fault.Forbidden)
	refused(t, create(w.ada, uuid.New(), "x", scopes), fault.NotFound)
	refused(t, create(lead, team.ID, "", nil), fault.Invalid, "name", "scopes")
	refused(t, create(lead, team.ID, "x", []string{identity.WriteAnswers}), fault.Invalid, "scopes")
	_, err = w.s.ServiceTokens(w.ctx, mate, team.ID)
	refused(t, err, fault.Forbidden)
	refused(t, w.s.RevokeServiceToken(w.ctx, w.ada, other.ID, made.ID), fault.NotFound)
	refused(t, w.s.RevokeServiceToken(w.ctx, mate, team.ID, made.ID), fault.Forbidden)
	w.ok(w.s.RevokeServiceToken(w.ctx, lead, team.ID, made.ID))
	if list := must(w.s.ServiceTokens(w.ctx, w.ada, team.ID))(t); len(list) != 1 || list[0].RevokedAt == nil {
		t.Errorf("%+v", list)
	}
	_, err = w.s.ActorByToken(w.ctx, secret)
	refused(t, err, fault.Unauthenticated)
	_, secret, err = w.s.CreateServiceTokenFor(w.ctx, "depot", "from the server", scopes, time.Hour)
	w.ok(err)
	must(w.s.ActorByToken(w.ctx, secret))(t)
}
