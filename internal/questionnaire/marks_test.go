package questionnaire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
)

// readers are people as actors: the first admin, and whom they invite.
func readers(t *testing.T, db *pgxpool.Pool, names ...string) (who []identity.Actor) {
	t.Helper()
	s := identity.NewService(db, audit.RecordIdentity, time.Now)
	link, err := s.MakeAdminLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := s.AcceptAdminLink(t.Context(), link.Secret, "Ada Example", "ada@example.org", "seven quiet herons wade", identity.Client{IP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	ada, _, err := s.Actor(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		first, _, _ := strings.Cut(strings.ToLower(name), " ")
		p, _, err := s.Invite(t.Context(), ada, identity.InviteInput{Name: name, Email: first + "@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		who = append(who, identity.Actor{PersonID: p.ID, Name: p.Name})
	}
	return who
}

func TestMarksAreMadeAndSettled(t *testing.T) {
	l, db := newLibrary(t)
	ctx := t.Context()
	people := readers(t, db, "Vera Lind", "Otto Berg")
	vera, otto := people[0], people[1]
	mark := func(who identity.Actor, kind questionnaire.MarkKind, note string) {
		t.Helper()
		if err := l.Mark(ctx, who, questionnaire.MarkInput{Key: "ours", Question: "alpha", Kind: kind, Note: note}); err != nil {
			t.Fatal(err)
		}
	}
	mark(vera, questionnaire.MarkUnclear, "Which alpha?")
	mark(otto, questionnaire.MarkNotUseful, "")
	mark(vera, questionnaire.MarkNotUseful, "Nobody has an alpha.") // takes the place of the first

	list, more, err := l.Marks(ctx, curator, "ours", questionnaire.MarkFilter{})
	if err != nil || more || len(list) != 2 || list[0].By != "Vera Lind" || list[0].Note != "Nobody has an alpha." || list[0].Version != "1.0.0" || list[0].SettledAt != nil {
		t.Fatalf("%+v, %v, %v", list, more, err)
	}
	counts, err := l.MarkCounts(ctx, curator, "ours")
	if err != nil || counts["alpha"] != (questionnaire.MarkCount{NotUseful: 2}) {
		t.Errorf("%+v, %v", counts, err)
	}
	own, err := l.OwnMarks(ctx, db, vera, "ours")
	if err != nil || len(own) != 1 || own["alpha"].Kind != questionnaire.MarkNotUseful {
		t.Errorf("%+v, %v", own, err)
	}
	first, more, err := l.Marks(ctx, curator, "ours", questionnaire.MarkFilter{Question: "alpha", Limit: 1})
	if err != nil || !more || len(first) != 1 {
		t.Fatalf("%+v, %v, %v", first, more, err)
	}
	rest, more, err := l.Marks(ctx, curator, "ours", questionnaire.MarkFilter{Before: first[0].ID, Limit: 1})
	if err != nil || more || len(rest) != 1 || rest[0].By != "Otto Berg" {
		t.Errorf("%+v, %v, %v", rest, more, err)
	}

	if err := l.SettleMarks(ctx, curator, "ours", []uuid.UUID{list[0].ID, list[0].ID}, "Taken out of 1.1.0."); err != nil {
		t.Fatal(err)
	}
	if err := l.SettleMarks(ctx, curator, "ours", []uuid.UUID{list[0].ID, list[1].ID}, "Again."); !fault.Is(err, fault.Conflict) {
		t.Errorf("settled twice: %v", err)
	}
	settled, _, err := l.Marks(ctx, curator, "ours", questionnaire.MarkFilter{Settled: true})
	if err != nil || len(settled) != 1 || settled[0].SettledNote != "Taken out of 1.1.0." || settled[0].SettledAt == nil {
		t.Errorf("%+v, %v", settled, err)
	}
	if err := l.Unmark(ctx, vera, "ours", "alpha"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a settled mark is taken away: %v", err)
	}
	mark(vera, questionnaire.MarkUnclear, "Still.") // a new one beside the settled one
	if err := l.Unmark(ctx, otto, "ours", "alpha"); err != nil {
		t.Fatal(err)
	}
	if list, _, err = l.Marks(ctx, curator, "ours", questionnaire.MarkFilter{}); err != nil || len(list) != 1 || list[0].Note != "Still." {
		t.Errorf("%+v, %v", list, err)
	}
	var records, leaks int
	err = db.QueryRow(ctx, `select count(*) filter (where convert_from(body, 'UTF8') ~ '"question\.(marked|unmarked|marks_settled)"'),
		count(*) filter (where convert_from(body, 'UTF8') ~ 'alpha\?|Nobody has') from audit_records`).Scan(&records, &leaks)
	if err != nil || records != 6 || leaks != 0 {
		t.Errorf("%d records, %d with what was written, %v", records, leaks, err)
	}
}

func TestMarkFaults(t *testing.T) {
	l, db := newLibrary(t)
	ctx := t.Context()
	vera := readers(t, db, "Vera Lind")[0]
	token := vera
	token.TokenID, token.Scopes = uuid.Must(uuid.NewV7()), []string{"read"}
	other := uuid.Must(uuid.NewV7())
	in := func(f func(*questionnaire.MarkInput)) error {
		m := questionnaire.MarkInput{Key: "ours", Question: "alpha", Kind: questionnaire.MarkUnclear}
		f(&m)
		return l.Mark(ctx, vera, m)
	}
	_, _, listed := l.Marks(ctx, vera, "ours", questionnaire.MarkFilter{})
	_, counted := l.MarkCounts(ctx, vera, "ours")
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"no set":                 {in(func(m *questionnaire.MarkInput) { m.Key = "none" }), fault.NotFound},
		"no version":             {in(func(m *questionnaire.MarkInput) { m.Version = "9.9.9" }), fault.NotFound},
		"no version with the id": {in(func(m *questionnaire.MarkInput) { m.VersionID = other }), fault.NotFound},
		"no question":            {in(func(m *questionnaire.MarkInput) { m.Question = "none" }), fault.NotFound},
		"no kind":                {in(func(m *questionnaire.MarkInput) { m.Kind = "" }), fault.Invalid},
		"a long note":            {in(func(m *questionnaire.MarkInput) { m.Note = strings.Repeat("é", 501) }), fault.Invalid},
		"nobody marks":           {l.Mark(ctx, curator, questionnaire.MarkInput{Key: "ours", Question: "alpha", Kind: questionnaire.MarkUnclear}), fault.Forbidden},
		"nothing to take away":   {l.Unmark(ctx, vera, "ours", "alpha"), fault.Conflict},
		"nobody takes away":      {l.Unmark(ctx, curator, "ours", "alpha"), fault.Forbidden},
		"a read token marks":     {l.Mark(ctx, token, questionnaire.MarkInput{Key: "ours", Question: "alpha", Kind: questionnaire.MarkUnclear}), fault.Forbidden},
		"a reader lists":         {listed, fault.Forbidden},
		"a reader counts":        {counted, fault.Forbidden},
		"a reader settles":       {l.SettleMarks(ctx, vera, "ours", []uuid.UUID{other}, "Done."), fault.Forbidden},
		"nothing ticked":         {l.SettleMarks(ctx, curator, "ours", nil, "Done."), fault.Invalid},
		"no word on it":          {l.SettleMarks(ctx, curator, "ours", []uuid.UUID{other}, ""), fault.Invalid},
		"a long word on it":      {l.SettleMarks(ctx, curator, "ours", []uuid.UUID{other}, strings.Repeat("x", 501)), fault.Invalid},
		"a mark that is none":    {l.SettleMarks(ctx, curator, "ours", []uuid.UUID{other}, "Done."), fault.Conflict},
	} {
		if !fault.Is(c.err, c.kind) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if err := in(func(m *questionnaire.MarkInput) { m.Note = strings.Repeat("é", 500) }); err != nil {
		t.Error(err)
	}
	var n int
	if err := db.QueryRow(ctx, `select count(*) from question_marks`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d marks, %v", n, err)
	}
}
