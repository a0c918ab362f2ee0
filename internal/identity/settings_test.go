package identity_test

import (
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
)

func TestSettings(t *testing.T) {
	w := newWorld(t)
	of := func(who identity.Actor) identity.Settings {
		t.Helper()
		return must(identity.SettingsOf(w.ctx, w.db, who))(t)
	}
	defaults := identity.Settings{SingleKeys: true}
	if got := of(w.ada); got != defaults {
		t.Errorf("at first %+v, want %+v", got, defaults)
	}
	if got := of(identity.Actor{}); got != defaults {
		t.Errorf("of nobody %+v, want %+v", got, defaults)
	}
	acts := func() (n int) {
		t.Helper()
		if err := w.db.QueryRow(w.ctx, `select count(*) from audit_records where verb = 'person.settings'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	wanted := identity.Settings{SectionPages: true}
	for range 2 {
		if err := w.s.SaveSettings(w.ctx, w.ada, wanted); err != nil {
			t.Fatal(err)
		}
	}
	if got := of(w.ada); got != wanted || acts() != 1 {
		t.Errorf("stored %+v in %d acts, want %+v in one", got, acts(), wanted)
	}
	token := w.ada
	token.TokenID = uuid.New()
	if err := w.s.SaveSettings(w.ctx, token, defaults); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by a token: %v", err)
	}
	if err := w.s.SaveSettings(w.ctx, identity.Actor{}, defaults); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("by nobody: %v", err)
	}
}
