package views

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/identity"
)

func TestBrowserWords(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                 "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":          "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":                  "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                           "Chrome on Android",
		"curl/8.5.0": "curl",
		"Wget/1.21":  "Wget/1.21",
		"":           "A browser that did not name itself",
	} {
		if got := browserWords(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestRightsWords(t *testing.T) {
	one, two := uuid.New(), uuid.New()
	grant := func(kind identity.GrantKind, workload uuid.UUID, name string, self bool) identity.GrantOfPerson {
		return identity.GrantOfPerson{Kind: kind, WorkloadID: workload, WorkloadName: name, SelfGiven: self}
	}
	for name, c := range map[string]struct {
		person identity.Person
		want   []string
	}{
		"nothing": {identity.Person{}, nil},
		"roles":   {identity.Person{Roles: []identity.OrgRole{identity.Admin, identity.Auditor}}, []string{"Admin, Auditor"}},
		"one":     {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, one, "Payments", false)}}, []string{"Approver on Payments"}},
		"hidden":  {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, one, "", false)}}, []string{"Approver on a restricted workload"}},
		"two": {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, one, "Payments", false), grant(identity.Approver, two, "Loyalty", false)}},
			[]string{"Approver on 2 workloads"}},
		"all and one": {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, uuid.Nil, "", false), grant(identity.Approver, two, "Loyalty", false)}},
			[]string{"Approver on all workloads"}},
		"only by oneself": {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, uuid.Nil, "", true)}},
			[]string{"Approver, given to oneself: opens nothing"}},
		"all by oneself, one by another": {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Approver, uuid.Nil, "", true), grant(identity.Approver, one, "Payments", false)}},
			[]string{"Approver on Payments"}},
		"a facilitator by oneself is none": {identity.Person{Grants: []identity.GrantOfPerson{grant(identity.Facilitator, uuid.Nil, "", true), grant(identity.Participant, one, "Payments", true)}},
			[]string{"Facilitator, given to oneself: opens nothing", "Participant, given to oneself: opens nothing"}},
	} {
		if got := rightsWords(c.person); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestVerbs(t *testing.T) {
	for verb, want := range map[string]string{"round.signed_off": "Signed off a round", "moon.put_up": "moon put up"} {
		if got := VerbWords(verb); got != want {
			t.Errorf("%s: %q, want %q", verb, got, want)
		}
	}
	for verb, want := range map[string]bool{"round.": true, "round.signed_off": true, "": true, "Round": false, "a b": false, "a\x00": false, "\xff": false} {
		if KnownVerb(verb) != want {
			t.Errorf("KnownVerb(%q) is %v", verb, !want)
		}
	}
	options := verbOptions("round.decided")
	if last := options[len(options)-1]; !last.Selected || last.Text != "Decided and sealed a round" {
		t.Errorf("a single verb is not among the options: %+v", last)
	}
	if len(verbOptions("")) != len(verbFamilies) || !verbOptions("round.")[1].Selected {
		t.Error("a family is not chosen, or added twice")
	}
}
