package identity_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	client := identity.Client{IP: "2001:db8::1", UserAgent: "Browser\x00\x1b[31m\u202e \xff" + strings.Repeat("é", 400), RequestID: "r-9"}
	secret := must(w.s.SignIn(w.ctx, " ADA@example.org ", password, client))(t)
	if secret == w.session || len(secret) < 26 {
		t.Error("a sign-in must start a new session of at least 128 bits")
	}
	a, session, err := w.s.Actor(w.ctx, secret)
	w.ok(err)
	if a.PersonID != w.ada.PersonID || session.PersonID != a.PersonID || session.IP != "2001:db8::1" ||
		!strings.HasPrefix(session.UserAgent, "Browser[31m \uFFFDé") || len([]rune(session.UserAgent)) != 300 {
		t.Errorf("session %+v", session)
	}
	if w.lastVerb() != "session.started" {
		t.Errorf("audit says %s", w.lastVerb())
	}
	if n := one[int64](w, `select count(*) from sessions where position(convert_to($1, 'UTF8') in token_hash) > 0`, secret); n != 0 {
		t.Error("the secret itself is stored")
	}
	_, err = w.s.SignIn(w.ctx, "", "", client)
	refused(t, err, fault.Invalid, "email", "password")
}

// Who may not sign in learns nothing of why: the same words, after the same work.
func TestSignInTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.invited("Invited", identity.InviteInput{})
	gone, _ := w.join("Gone", identity.InviteInput{})
	w.ok(w.s.Deactivate(w.ctx, w.ada, gone.PersonID))
	cases := []struct{ name, email, password string }{
		{"wrong password", "ada@example.org", "wrong " + password},
		{"unknown address", "nobody@example.org", password},
		{"no address at all", "\x00' or 1=1\xff", password},
		{"never set a password", "invited@example.org", password},
		{"deactivated", "gone@example.org", password},
		{"right but for case", "ada@example.org", strings.ToUpper(password)},
		{"right but for a space", "ada@example.org", password + " "},
	}
	// The fastest of several rounds counts, as the machine is busy with other tests.
	fastest := map[string]time.Duration{}
	alike := func() bool {
		for _, c := range cases {
			if got, want := fastest[c.name], fastest["wrong password"]; got < want/2 || got > want*2 {
				return false
			}
		}
		return true
	}
	for round := range 20 {
		w.clock.pass(time.Hour) // past the throttle
		for i, c := range cases {
			start := time.Now()
			_, err := w.s.SignIn(w.ctx, c.email, c.password, from(fmt.Sprintf("198.51.100.%d", i)))
			took := time.Since(start)
			refused(t, err, fault.Unauthenticated)
			if got := fault.MessageOf(err); got != "The e-mail address or the password is not right." {
				t.Errorf("%s: %q", c.name, got)
			}
			if round == 0 || took < fastest[c.name] {
				fastest[c.name] = took
			}
		}
		if round > 0 && alike() {
			break
		}
	}
	if !alike() {
		t.Errorf("the work differs: %v", fastest)
	}
	if n := one[int64](w, `select count(*) from audit_records where verb = 'session.started'`); n != 0 {
		t.Errorf("%d sessions started", n)
	}
}

func TestThrottleByAddress(t *testing.T) {
	w := newWorld(t)
	w.ok(w.s.SignOut(w.ctx, w.session))
	try := func(ip, pw string) error {
		_, err := w.s.SignIn(w.ctx, "ada@example.org", pw, from(ip))
		return err
	}
	for i := range 9 {
		refused(t, try(fmt.Sprintf("198.51.100.%d", i), "wrong "+password), fault.Unauthenticated)
	}
	w.ok(try("198.51.100.9", password)) // success clears the count
	w.ok(w.s.EndSessions(w.ctx, w.ada, w.ada.PersonID))
	for i := range 10 {
		w.clock.pass(time.Second)
		refused(t, try(fmt.Sprintf("198.51.100.%d", i), "wrong "+password), fault.Unauthenticated)
	}
	for range 5 {
		refused(t, try("198.51.100.99", password), fault.TooMany)
	}
	_, err := w.s.SignIn(w.ctx, "bob@example.org", password, from("198.51.100.99"))
	refused(t, err, fault.Unauthenticated) // others are not held up
	w.clock.pass(15*time.Minute - 10*time.Second)
	refused(t, try("198.51.100.99", password), fault.TooMany)
	w.clock.pass(time.Second) // the first of the ten is 15 minutes old; refused ones never counted
	w.ok(try("198.51.100.99", password))
	w.clock.pass(time.Hour)
	_, err = w.s.SignIn(w.ctx, "bob@example.org", password, from("198.51.100.99"))
	refused(t, err, fault.Unauthenticated)
	if n := one[int64](w, `select count(*) from sign_in_attempts`); n != 1 {
		t.Errorf("%d attempts are kept, old ones should go", n)
	}
}

func TestAStrangerCannotLockAPersonOut(t *testing.T) {
	w := newWorld(t) // Ada is signed in on 192.0.2.1
	for i := range 10 {
		_, err := w.s.SignIn(w.ctx, "ada@example.org", "wrong "+password, from(fmt.Sprintf("198.51.100.%d", i)))
		refused(t, err, fault.Unauthenticated)
	}
	_, err := w.s.SignIn(w.ctx, "ada@example.org", password, from("198.51.100.77"))
	refused(t, err, fault.TooMany)
	must(w.s.SignIn(w.ctx, "ada@example.org", password, from("192.0.2.1")))(t)
}

func TestThrottleByNetwork(t *testing.T) {
	for name, c := range map[string]struct{ stored, same, other string }{
		"IPv4":       {"198.51.100.4", "::ffff:198.51.100.4", "198.51.100.5"},
		"IPv6 /64":   {"2001:db8:0:1::/64", "2001:db8:0:1:ffff::9%eth0", "2001:db8:0:2::1"},
		"no address": {"unknown", "not an address", "198.51.100.5"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.db.Exec(w.ctx, `insert into sign_in_attempts (email_hash, ip, at)
				select sha256(i::text::bytea), $1, $2 from generate_series(1, 49) i`, c.stored, w.clock.now())
			w.ok(err)
			_, err = w.s.SignIn(w.ctx, "nobody@example.org", password, from(c.same))
			refused(t, err, fault.Unauthenticated)
			_, err = w.s.SignIn(w.ctx, "ada@example.org", password, from(c.same))
			refused(t, err, fault.TooMany)
			must(w.s.SignIn(w.ctx, "ada@example.org", password, from(c.other)))(t)
		})
	}
}

func TestThrottleIsExactForManyAtOnce(t *testing.T) {
	w := newWorld(t)
	replicas := make([]*identity.Service, 8) // each works on as many hashes at once as it may
	for i := range replicas {
		replicas[i] = identity.NewService(w.db, audit.RecordIdentity, w.clock.now)
	}
	// A slow insert leaves the others time to count without it, if they may.
	for _, sql := range []string{
		`create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.02); return new; end'`,
		`create trigger slow before insert on sign_in_attempts for each row execute function slow()`,
	} {
		_, err := w.db.Exec(w.ctx, sql)
		w.ok(err)
	}
	errs := atOnce(24, func(i int) error {
		_, err := replicas[i%8].SignIn(w.ctx, "ada@example.org", "wrong "+password, from("198.51.100.3"))
		return err
	})
	kinds := map[fault.Kind]int{}
	for _, err := range errs {
		kinds[fault.KindOf(err)]++
	}
	if kinds[fault.Unauthenticated] != 10 || kinds[fault.TooMany] != 14 {
		t.Errorf("kinds %v, want 10 looked at and 14 refused", kinds)
	}
	// Many right ones at once are no failures.
	w.clock.pass(time.Hour)
	for _, err := range atOnce(24, func(i int) error {
		_, err := w.s.SignIn(w.ctx, "ada@example.org", password, from("198.51.100.3"))
		return err
	}) {
		w.ok(err)
	}
}

func TestHashIsMadeAgainWhenItsCostChanged(t *testing.T) {
	w := newWorld(t)
	salt := []byte("0123456789abcdef")
	enc := base64.RawStdEncoding.EncodeToString
	old := fmt.Sprintf("$argon2id$v=19$m=8192,t=1,p=1$%s$%s", enc(salt), enc(argon2.IDKey([]byte(password), salt, 1, 8192, 1, 32)))
	stored := func() string { return one[string](w, `select password_hash from people where id = $1`, w.ada.PersonID) }
	if !strings.HasPrefix(stored(), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %s", stored())
	}
	_, err := w.db.Exec(w.ctx, `update people set password_hash = $1`, old)
	w.ok(err)
	_, err = w.s.SignIn(w.ctx, "ada@example.org", "wrong "+password, from(""))
	refused(t, err, fault.Unauthenticated)
	if stored() != old {
		t.Error("a failed attempt changed the hash")
	}
	for range 2 {
		must(w.s.SignIn(w.ctx, "ada@example.org", password, from("")))(t)
		if !strings.HasPrefix(stored(), "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("stored as %s", stored())
		}
	}
	_, err = w.db.Exec(w.ctx, `update people set password_hash = 'plain'`)
	w.ok(err)
	_, err = w.s.SignIn(w.ctx, "ada@example.org", "plain", from(""))
	if err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("a stored hash that cannot be read says %v", err)
	}
}

func TestPasswordIsTheSameOnEveryKeyboard(t *testing.T) {
	w := newWorld(t)
	_, link := w.invited("Bob", identity.InviteInput{})
	must(w.s.AcceptLink(w.ctx, link, "cafe\u0301 au lait s'il vous plai\u0302t \U0001F980\x00", from("")))(t)
	must(w.s.SignIn(w.ctx, "bob@example.org", "caf\u00e9 au lait s'il vous pla\u00eet \U0001F980\x00", from("")))(t)
	_, err := w.s.SignIn(w.ctx, "bob@example.org", "caf\u00e9 au lait s'il vous pla\u00eet \U0001F980", from(""))
	refused(t, err, fault.Unauthenticated) // nothing is cut at NUL
	long := strings.Repeat("a long walk ", 21)
	secret := must(w.s.ChangePassword(w.ctx, w.ada, password, long, from("")))(t)
	w.actor(secret)
	_, err = w.s.SignIn(w.ctx, "ada@example.org", long[:100], from(""))
	refused(t, err, fault.Unauthenticated)
	must(w.s.SignIn(w.ctx, "ada@example.org", long, from("")))(t)
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	other := must(w.s.SignIn(w.ctx, "ada@example.org", password, from("192.0.2.9")))(t)
	link := must(w.s.MakeLinkFor(w.ctx, "ada@example.org"))(t)
	change := func(current, next string) (string, error) {
		return w.s.ChangePassword(w.ctx, w.ada, current, next, from("192.0.2.1"))
	}
	_, err := change("wrong "+password, "new "+password)
	refused(t, err, fault.Invalid, "current")
	_, err = change("", "short")
	refused(t, err, fault.Invalid, "password", "current")
	for _, weak := range []string{"Ada  Example", "ada.example.2026", "PasswordPassword", strings.Repeat("x", 257)} {
		_, err = change(password, weak)
		refused(t, err, fault.Invalid, "password")
	}
	w.actor(other)
	fresh := must(change(password, "new "+password))(t)
	for _, s := range []string{other, w.session} {
		_, _, err = w.s.Actor(w.ctx, s)
		refused(t, err, fault.Unauthenticated)
	}
	w.actor(fresh)
	_, err = w.s.LinkStatus(w.ctx, link.Secret)
	refused(t, err, fault.NotFound)
	if w.lastVerb() != "password.changed" {
		t.Errorf("audit says %s", w.lastVerb())
	}
	for range 10 {
		_, err = change("wrong", "newer "+password)
		refused(t, err, fault.Invalid, "current")
	}
	_, err = change("new "+password, "newer "+password)
	refused(t, err, fault.TooMany)
}

// A password that changes, or a person deactivated, while their old password is being
// checked gets no session.
func TestSignInBesideDeactivation(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		p, _ := w.join(fmt.Sprintf("Racer%d", i), identity.InviteInput{})
		errs := atOnce(3, func(j int) error {
			if j == 0 {
				time.Sleep(time.Duration(20*i) * time.Millisecond)
				return w.s.Deactivate(w.ctx, w.ada, p.PersonID)
			}
			_, err := w.s.SignIn(w.ctx, p.Email, password, from("192.0.2.7"))
			return err
		})
		w.ok(errs[0])
		for _, err := range errs[1:] {
			if err != nil {
				refused(t, err, fault.Unauthenticated)
			}
		}
		if n := one[int64](w, `select count(*) from sessions where person_id = $1`, p.PersonID); n != 0 {
			t.Errorf("%d sessions outlived the deactivation", n)
		}
	}
}

func TestSessions(t *testing.T) {
	w := newWorld(t)
	w.clock.pass(time.Minute)
	second := must(w.s.SignIn(w.ctx, "ada@example.org", password, from("192.0.2.2")))(t)
	bob, bobs := w.join("Bob", identity.InviteInput{})
	list := must(w.s.Sessions(w.ctx, w.ada))(t)
	if len(list) != 2 || list[0].IP != "192.0.2.2" || list[1].IP != "192.0.2.1" {
		t.Fatalf("sessions %+v", list)
	}
	_, current, err := w.s.Actor(w.ctx, second)
	w.ok(err)
	if current != list[0] {
		t.Errorf("the list says %+v, the session itself %+v", list[0], current)
	}
	refused(t, w.s.EndSession(w.ctx, bob, list[1].ID), fault.NotFound)
	for _, id := range []string{"", "zz", "00", strings.Repeat("00", 8)} {
		refused(t, w.s.EndSession(w.ctx, w.ada, id), fault.NotFound)
	}
	w.ok(w.s.EndSession(w.ctx, w.ada, list[1].ID))
	_, _, err = w.s.Actor(w.ctx, w.session)
	refused(t, err, fault.Unauthenticated)
	w.actor(second)
	refused(t, w.s.EndSessions(w.ctx, bob, w.ada.PersonID), fault.Forbidden)
	w.ok(w.s.EndSessions(w.ctx, w.ada, bob.PersonID))
	_, _, err = w.s.Actor(w.ctx, bobs)
	refused(t, err, fault.Unauthenticated)
	w.ok(w.s.SignOut(w.ctx, second))
	w.ok(w.s.SignOut(w.ctx, second)) // again is no error
	_, _, err = w.s.Actor(w.ctx, second)
	refused(t, err, fault.Unauthenticated)
	if n := one[int64](w, `select count(*) from sessions`); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestSessionEnds(t *testing.T) {
	w := newWorld(t)
	idle := must(w.s.SignIn(w.ctx, "ada@example.org", password, from("")))(t)
	seen := func(want time.Duration) {
		t.Helper()
		_, s, err := w.s.Actor(w.ctx, w.session)
		w.ok(err)
		stored := one[time.Time](w, `select last_seen_at from sessions where token_hash = sha256($1)`, []byte(w.session))
		if !stored.Equal(s.LastSeenAt) || w.clock.now().Sub(stored).Truncate(time.Second) != want {
			t.Errorf("last seen %s ago, want %s", w.clock.now().Sub(stored), want)
		}
	}
	seen(0)
	w.clock.pass(5*time.Minute - time.Second)
	seen(5*time.Minute - time.Second) // not written more often than every five minutes
	w.clock.pass(time.Second)
	seen(0)
	w.clock.pass(24*time.Hour - 5*time.Minute - time.Second)
	w.actor(idle)
	for range 6 { // seen daily, until the seventh day
		w.actor(w.session)
		w.clock.pass(24*time.Hour - time.Second)
	}
	w.actor(w.session)
	_, _, err := w.s.Actor(w.ctx, idle)
	refused(t, err, fault.Unauthenticated)
	w.clock.pass(5*time.Minute + 10*time.Second)
	_, _, err = w.s.Actor(w.ctx, w.session)
	refused(t, err, fault.Unauthenticated)
	if got := must(w.s.Sessions(w.ctx, w.ada))(t); len(got) != 0 {
		t.Errorf("listed after their end: %+v", got)
	}
	must(w.s.SignIn(w.ctx, "ada@example.org", password, from("")))(t)
	if n := one[int64](w, `select count(*) from sessions`); n != 1 {
		t.Errorf("%d sessions are kept, ended ones should go at the next sign-in", n)
	}
	for _, secret := range []string{"", "x", "\x00", strings.Repeat("A", 26), w.session + "x"} {
		_, _, err := w.s.Actor(w.ctx, secret)
		refused(t, err, fault.Unauthenticated)
	}
}

func TestDeactivatedIsDeadAtOnce(t *testing.T) {
	w := newWorld(t)
	bob, session := w.join("Bob", identity.InviteInput{Roles: []identity.OrgRole{identity.Auditor}})
	_, token, err := w.s.CreateToken(w.ctx, bob, "ci", []string{"read"}, time.Hour)
	w.ok(err)
	must(w.s.ActorByToken(w.ctx, token))(t)
	w.ok(w.s.Deactivate(w.ctx, w.ada, bob.PersonID))
	dead := func() {
		t.Helper()
		_, _, err := w.s.Actor(w.ctx, session)
		refused(t, err, fault.Unauthenticated)
		_, err = w.s.ActorByToken(w.ctx, token)
		refused(t, err, fault.Unauthenticated)
	}
	dead()
	_, err = w.s.ActorFor(w.ctx, bob.PersonID)
	refused(t, err, fault.NotFound)
	_, err = w.s.SignIn(w.ctx, bob.Email, password, from(""))
	refused(t, err, fault.Unauthenticated)
	_, _, err = w.s.CreateTokenFor(w.ctx, bob.Email, "ci", []string{"read"}, time.Hour)
	refused(t, err, fault.Conflict)
	w.ok(w.s.Reactivate(w.ctx, w.ada, bob.PersonID))
	dead()
	a := w.actor(must(w.s.SignIn(w.ctx, bob.Email, password, from("")))(t))
	if !slices.Equal(a.Roles, bob.Roles) {
		t.Errorf("roles %v after reactivation", a.Roles)
	}
}

// Even a row that something else than Deactivate marked shuts everything at once.
func TestDeactivatedByTheRowAlone(t *testing.T) {
	w := newWorld(t)
	bob, session := w.join("Bob", identity.InviteInput{})
	_, token, err := w.s.CreateToken(w.ctx, bob, "ci", []string{"read"}, time.Hour)
	w.ok(err)
	link := must(w.s.NewLink(w.ctx, w.ada, bob.PersonID))(t)
	_, err = w.db.Exec(w.ctx, `update people set deactivated_at = $1 where id = $2`, w.clock.now(), bob.PersonID)
	w.ok(err)
	_, _, err = w.s.Actor(w.ctx, session)
	refused(t, err, fault.Unauthenticated)
	_, err = w.s.ActorByToken(w.ctx, token)
	refused(t, err, fault.Unauthenticated)
	_, err = w.s.LinkStatus(w.ctx, link.Secret)
	refused(t, err, fault.NotFound)
	_, err = w.s.AcceptLink(w.ctx, link.Secret, password, from(""))
	refused(t, err, fault.NotFound)
}
