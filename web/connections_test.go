package web_test

import (
	"net/http"
	"strings"
	"testing"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/identity"
)

const awsAccount = "111111111111"

// aws is an AWS of our own that the site's connections are tested against.
func (s *site) aws(w awstest.World) *awstest.Server {
	s.Helper()
	cloud, err := awstest.Start("127.0.0.1:0", w)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = cloud.Close() })
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_ENDPOINT_URL": cloud.URL,
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		s.Setenv(k, v)
	}
	s.cloud, err = awscloud.New(s.Context(), awscloud.Options{Unlimited: true, Now: s.Clock.now})
	if err != nil {
		s.Fatal(err)
	}
	s.Evidence.TestWith(s.cloud)
	return cloud
}

var connected = []string{"account", "1111-1111-1111", "name", "Payments production", "team", "platform", "mode", "assume_role", "regions", "eu-west-1",
	"sources", "securityhub.control", "sources", "cloudtrail.trail"}

// An admin connects an account, copies the policies, tests the connection, removes it.
func TestConnections(t *testing.T) {
	s := newSite(t)
	s.team("platform", "Platform")
	world := awstest.Believable(awsAccount, []string{"eu-west-1", "us-east-1"}, []string{"S3.1"}, nil)
	world.Own = "222222222222"
	cloud := s.aws(world)
	s.Ada.get("/connections").is(http.StatusOK).says("No account is connected yet")
	s.Ada.get("/connections/new").is(http.StatusOK)
	bad := s.Ada.post("/connections/new", "account", "12", "name", "  ", "mode", "assume_role", "role", "no role at all", "regions", "Mars").is(http.StatusUnprocessableEntity)
	bad.says("An AWS account is twelve digits.", "Give the account a name", "Choose the team", "Write the name of the role", "each like eu-west-1", "Choose at least one source.")
	if bad.value("role") != "no role at all" || bad.value("regions") != "Mars" {
		t.Error("the input is not kept")
	}
	s.Ada.post("/connections/new", "account", awsAccount, "name", strings.Repeat("x", 200)+"\x00", "team", "nobody\x00", "mode", "assume_role", "role", "arn:aws:iam::333333333333:role/x", "sources", "cloudtrail.trail").
		is(http.StatusUnprocessableEntity).says("at most 120 characters", "This role belongs to another account.")
	s.Ada.post("/connections/new", "account", awsAccount, "name", "A", "team", "nobody\x00", "mode", "default", "sources", "cloudtrail.trail").is(http.StatusUnprocessableEntity).says("Choose a team from the list.")
	page := s.Ada.follow(s.Ada.post("/connections/new", connected...))
	id := page.value("external_id")
	page.is(http.StatusOK).says("The account is connected.", "Platform", "arn:aws:iam::111111111111:role/OrreryReadsEvidence", `"sts:ExternalId": "`+id+`"`, `"securityhub:GetFindings"`)
	path := strings.TrimPrefix(page.Asked, "GET ")
	s.Ada.post("/connections/new", connected...).is(http.StatusUnprocessableEntity).says("This account is connected already.")
	s.Ada.get("/connections").is(http.StatusOK).says("Payments production", "Platform")

	s.Ada.get(path+"/test?region=eu-west-1").is(http.StatusOK).says("1 call is denied in eu-west-1", "sts:AssumeRole Denied", "It was not tried, since the account was not reached.")
	cloud.Change(func(w *awstest.World) {
		w.Roles = map[string]awstest.Role{"arn:aws:iam::111111111111:role/OrreryReadsEvidence": {ExternalID: id}}
	})
	s.Ada.get(path + "/test?region=eu-west-1").is(http.StatusOK).says("Everything that a test can try is granted in eu-west-1.")
	s.Ada.get(path + "/test?region=%00Mars").is(http.StatusUnprocessableEntity).says("Name a Region like eu-west-1.")

	s.Ada.follow(s.Ada.post(path+"/remove")).is(http.StatusOK).says("The connection is removed.", "This connection was removed", "Platform still owns the account.")
	s.Ada.post(path + "/remove").is(http.StatusConflict)
	s.workload("payments", "Payments", "platform", false)
	if _, err := s.DB.Exec(t.Context(), `insert into scopes (id, workload_id, name, production, accounts, regions, tags, application_arn)
		select gen_random_uuid(), id, 'production', true, '{111111111111}', '{eu-west-1}', '{}', '' from workloads`); err != nil {
		t.Fatal(err)
	}
	s.Ada.get("/workloads/payments/evidence").is(http.StatusOK).says("The connection to account 111111111111 was removed.")
	s.Ada.get(path + "/test?region=eu-west-1").is(http.StatusConflict)
	if n := s.count(`select count(*) from audit_records where verb in ('connection.added', 'connection.removed')`); n != 2 {
		t.Errorf("%d records", n)
	}
}

// Who sees connections and who changes them.
func TestWhoConnects(t *testing.T) {
	s := newSite(t)
	platform, ledger := s.team("platform", "Platform"), s.team("ledger", "Ledger")
	s.workload("payments", "Payments", "ledger", false)
	in := func(t identity.Team, r identity.TeamRole) []identity.Membership {
		return []identity.Membership{{TeamID: t.ID, Role: r}}
	}
	page := s.Ada.follow(s.Ada.post("/connections/new", connected...))
	path, id := strings.TrimPrefix(page.Asked, "GET "), page.value("external_id")
	_, lead := s.person("Lea Lead", identity.InviteInput{Teams: in(platform, identity.Lead)})
	_, member := s.person("Max Member", identity.InviteInput{Teams: in(platform, identity.Member)})
	_, other := s.person("Olga Other", identity.InviteInput{Teams: in(ledger, identity.Lead)})
	for name, b := range map[string]*browser{"lead": lead, "member": member} {
		b.get("/connections").is(http.StatusOK).says("Payments production")
		b.get(path).is(http.StatusOK).says("Platform").hides(id)
		for _, to := range []string{"/connections/new", path + "/test?region=eu-west-1"} {
			if a := b.get(to); a.Status != http.StatusForbidden {
				t.Errorf("%s gets %s: %d", name, to, a.Status)
			}
		}
		b.post("/connections/new", connected...).is(http.StatusForbidden)
		b.get(path + "/edit").is(http.StatusForbidden)
		b.post(path+"/edit", "version", "1").is(http.StatusForbidden)
		b.post(path + "/remove").is(http.StatusForbidden)
	}
	other.get("/connections").is(http.StatusOK).hides("Payments production")
	other.get(path).is(http.StatusNotFound)
	other.post(path+"/allow", "workload", "payments").is(http.StatusNotFound)
	s.Ada.get("/connections/nonsense").is(http.StatusNotFound)

	scope := []string{"version", "1", "key", "payments", "name", "Payments", "team", "ledger", "tier", "2", "stage", "live", "accounts", awsAccount, "regions", "eu-west-1"}
	other.post("/workloads/payments/edit", scope...).is(http.StatusUnprocessableEntity).says("The account 111111111111 belongs to Platform.")
	member.post(path+"/allow", "workload", "payments").is(http.StatusForbidden)
	lead.post(path+"/allow", "workload", "nonsense\x00").is(http.StatusUnprocessableEntity).says("There is no workload with this key")
	lead.follow(lead.post(path+"/allow", "workload", "payments")).is(http.StatusOK).says("The workload may name this account.", "Allowed")
	other.post("/workloads/payments/edit", scope...).is(http.StatusSeeOther)
	lead.follow(lead.post(path+"/disallow", "workload", "payments")).is(http.StatusOK).says("Not allowed: nothing is read for it")
}

// An admin changes a connection in place; what is stale is not lost, and the role's external
// id stays.
func TestEditConnection(t *testing.T) {
	s := newSite(t)
	s.team("platform", "Platform")
	s.team("ledger", "Ledger")
	page := s.Ada.follow(s.Ada.post("/connections/new", connected...))
	path, id := strings.TrimPrefix(page.Asked, "GET "), page.value("external_id")
	form := s.Ada.get(path + "/edit").is(http.StatusOK)
	if form.value("role") != "arn:aws:iam::111111111111:role/OrreryReadsEvidence" || form.value("regions") != "eu-west-1" || form.value("version") != "1" {
		t.Errorf("the form holds %q, %q, %q", form.value("role"), form.value("regions"), form.value("version"))
	}
	edit := func(more ...string) []string {
		return append([]string{"version", "1", "name", "Payments", "team", "ledger", "mode", "assume_role", "role", "Reader", "regions", "eu-west-1 us-east-1", "sources", "config.rule"}, more...)
	}
	asked := s.Ada.post(path+"/edit", edit("hub_region", "eu-west-1")...).is(http.StatusUnprocessableEntity).says("Tick it when this account is the hub, or empty this field.")
	if asked.value("hub_region") != "eu-west-1" {
		t.Errorf("the Region is %q", asked.value("hub_region"))
	}
	s.Ada.post(path+"/edit", edit("hub", "on", "hub_region", "\x00Mars")...).is(http.StatusUnprocessableEntity).says("Name the home Region of the hub")
	s.Ada.post(path+"/edit", "version", "1", "name", strings.Repeat("x", 200), "team", "nobody\x00", "mode", "x").is(http.StatusUnprocessableEntity).says("at most 120 characters", "Choose how the account is reached.")
	after := s.Ada.follow(s.Ada.post(path+"/edit", edit("hub", "on", "hub_region", "eu-west-1")...)).is(http.StatusOK)
	after.says("The connection is changed.", "Ledger", "arn:aws:iam::111111111111:role/Reader", "eu-west-1, us-east-1", "of the organisation, with eu-west-1")
	if after.value("external_id") != id {
		t.Error("the external id changed")
	}
	stale := s.Ada.post(path+"/edit", edit("role", "Another")...).is(http.StatusConflict).says("Somebody changed this connection since you opened it.", "Saving replaces what is stored")
	if stale.value("version") != "2" || stale.value("role") != "Reader" {
		t.Errorf("the stale form holds %q, %q", stale.value("version"), stale.value("role"))
	}
	other := []string{"account", "222222222222", "name", "Another", "team", "ledger", "mode", "default", "sources", "config.rule", "hub", "on", "hub_region", "eu-west-1"}
	s.Ada.post("/connections/new", other...).is(http.StatusUnprocessableEntity).says("Another account is the hub already.")
	s.Ada.get("/connections/nonsense/edit").is(http.StatusNotFound)
	s.Ada.follow(s.Ada.post(path + "/remove")).is(http.StatusOK)
	s.Ada.get(path + "/edit").is(http.StatusConflict)
	s.Ada.post(path+"/edit", edit()...).is(http.StatusConflict)
	if n := s.count(`select count(*) from audit_records where verb = 'connection.changed'`); n != 1 {
		t.Errorf("%d records", n)
	}
}
