package web_test

import (
	"strings"
	"testing"

	"orrery/internal/identity"
)

func TestServiceTokenPages(t *testing.T) {
	s := newSite(t)
	team := s.team("ledger", "Ledger")
	_, lead := s.person("Lea Lind", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}}})
	_, mate := s.person("Mia Moll", identity.InviteInput{Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Member}}})
	lead.get("/teams/ledger").is(200).says("No service has a token.", "Make a token of a service")
	mate.get("/teams/ledger").is(200).hides("Make a token of a service")
	mate.get("/teams/ledger/services/new").is(403)
	mate.post("/teams/ledger/services", "name", "ci", "scopes", "reviews:read", "expires", "30").is(403)
	lead.get("/teams/ledger/services/new").is(200).says("Make a token of a service", "items:write").hides("answers:write")
	lead.post("/teams/ledger/services", "name", "", "expires", "30").is(422).says("Enter a name.", "Choose at least one of the scopes")
	lead.post("/teams/ledger/services", "name", "ci", "scopes", "answers:write", "expires", "30").is(422).says("and no other")
	made := lead.post("/teams/ledger/services", "name", "release pipeline", "scopes", "reviews:read", "scopes", "items:write", "expires", "30").is(200).says("Orrery does not show it again", "Go to Ledger")
	secret := made.value("token")
	if who, err := s.Identity.ActorByToken(t.Context(), secret); err != nil || !who.Service {
		t.Fatalf("the token shown does not work: %v", err)
	}
	list := lead.get("/teams/ledger").says("release pipeline", "items:write").hides(secret)
	_, rest, _ := strings.Cut(list.Body, `action="/teams/ledger/services/`)
	id, _, _ := strings.Cut(rest, "/")
	mate.post("/teams/ledger/services/" + id + "/revoke").is(403)
	lead.follow(lead.post("/teams/ledger/services/"+id+"/revoke").leadsTo("/teams/ledger")).says("The token is revoked.", "No service has a token.")
	lead.post("/teams/ledger/services/nonsense/revoke").is(404)
}
