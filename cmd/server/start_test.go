package main

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// TestStartTwice does what a stranger does first: start, become admin, stop, start again and
// find everything as it was.
func TestStartTwice(t *testing.T) {
	p := startProgram(t, "ORRERY_ORGANISATION=Acme")
	for _, words := range []string{"is starting", "Making a new database", "Orrery is at http://" + p.addr, "makes the first one"} {
		if !strings.Contains(p.said(), words) && p.adminLink() != "" && !strings.Contains(p.said(), words) {
			t.Errorf("the first start does not say %q:\n%s", words, p.said())
		}
	}
	link := strings.TrimPrefix(p.adminLink(), "http://"+p.addr)
	jonas := p.browser()
	form := url.Values{"name": {"Jonas Weber"}, "email": {"jonas@example.com"}, "password": {demoPassword}}
	if to := jonas.mustPost(t, link, form); to != "/" {
		t.Errorf("the first admin is led to %q", to)
	}
	if status, _, err := p.browser().post(link, form); err != nil || status == http.StatusSeeOther {
		t.Errorf("the link worked twice: %d, %v", status, err)
	}
	p.stop()
	p.link = ""
	p.start()
	if status, page, err := jonas.get("/"); err != nil || status != http.StatusOK || !strings.Contains(page, "Orrery at Acme") {
		t.Errorf("after the second start the session gives %d, %v", status, err)
	}
	time.Sleep(200 * time.Millisecond)
	if p.link != "" {
		t.Error("the second start offers another admin link although there is an admin")
	}
}

// TestCommandsBesideTheServer runs commands while the server runs and while it does not.
func TestCommandsBesideTheServer(t *testing.T) {
	p := startProgram(t)
	o := p.organisation()
	for _, running := range []bool{true, false} {
		if !running {
			p.stop()
		}
		out, err := p.command("admin", "link")
		if err != nil || !strings.Contains(out, "http://"+p.addr+"/link/") {
			t.Errorf("admin link (server running: %v): %q, %v", running, out, err)
		}
		out, err = p.command("admin", "link", "--email", "asha@example.com")
		if err != nil || !strings.Contains(out, "asha@example.com sets a new password") {
			t.Errorf("admin link --email (server running: %v): %q, %v", running, out, err)
		}
		out, err = p.command("token", "create", "--email", "asha@example.com", "--days", "7")
		if err != nil || !strings.HasPrefix(out, "orr_pat_") || strings.Count(out, "\n") != 1 {
			t.Errorf("token create (server running: %v): %q, %v", running, out, err)
		}
		if out, err = p.command("audit", "verify"); err != nil || !strings.HasPrefix(out, "Fine:") {
			t.Errorf("audit verify (server running: %v): %q, %v", running, out, err)
		}
		if out, err = p.command("migrate"); err != nil {
			t.Errorf("migrate (server running: %v): %q, %v", running, out, err)
		}
	}
	if _, err := p.command("token", "create", "--email", "nobody@example.com"); err == nil {
		t.Error("a token was made for nobody")
	}
	_ = o
}

// TestAuditVerifyNamesTheBrokenRow forges a row and wants it named, with a failing exit.
func TestAuditVerifyNamesTheBrokenRow(t *testing.T) {
	p := startProgram(t)
	p.organisation()
	db, _ := p.open()
	for _, sql := range []string{
		`alter table audit_records disable trigger all`,
		`update audit_records set body = overlay(body placing 'X' from 20) where stream = 'org' and seq = 3`,
		`alter table audit_records enable trigger all`,
	} {
		if _, err := db.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
	out, err := p.command("audit", "verify")
	if err == nil || !strings.Contains(out, "stream org, record 3") {
		t.Errorf("after forging record 3 of org: %q, %v", out, err)
	}
}

// TestSecondProgramOnTheAddress wants a sentence, not a stack.
func TestSecondProgramOnTheAddress(t *testing.T) {
	p := startProgram(t)
	var out strings.Builder
	for name, value := range map[string]string{"ORRERY_DATA": dataFolder(t), "ORRERY_LISTEN": p.addr, "DATABASE_URL": ""} {
		t.Setenv(name, value)
	}
	err := run(t.Context(), []string{"serve"}, &out, os.Stderr)
	if err == nil || !strings.Contains(explain(err), "is taken") {
		t.Errorf("a second program says %v", err)
	}
}

// TestDemoHasAFolderOfItsOwn: whatever folder is named, a demo never opens an installation's.
func TestDemoHasAFolderOfItsOwn(t *testing.T) {
	for _, c := range []config{{}, {Data: "/srv/orrery"}} {
		installation, err := c.dataFolder("")
		if err != nil {
			t.Fatal(err)
		}
		demo, err := c.dataFolder("-demo")
		if err != nil || demo == installation {
			t.Errorf("with --data %q the demo is in %s, the installation in %s, %v", c.Data, demo, installation, err)
		}
	}
}
