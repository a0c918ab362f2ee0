package remediation_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/remediation"
)

// TestManyAtOnce changes items together and puts them back, but not what somebody changed since.
func TestManyAtOnce(t *testing.T) {
	h := newHouse(t, false)
	a, b, c := h.open("s/A", "high", "2026-12-01"), h.open("s/B", "medium", "2026-12-02"), h.open("s/C", "none", "2026-12-03")
	ids := []uuid.UUID{c.ID, a.ID, b.ID, a.ID}
	do := func(bulk remediation.Bulk, want int) uuid.UUID {
		t.Helper()
		bulk.Items = append([]uuid.UUID{}, ids...)
		batch, n, err := h.service.ChangeMany(t.Context(), h.asha, bulk)
		if err != nil || n != want {
			t.Fatalf("%s: %d changed, want %d: %v", bulk.Act, n, want, err)
		}
		return batch
	}
	read := func(id uuid.UUID) remediation.Item {
		t.Helper()
		it, err := h.service.Item(t.Context(), h.asha, id)
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	do(remediation.Bulk{Act: remediation.BulkAssign, OwnerID: h.asha.PersonID.String()}, 0)
	do(remediation.Bulk{Act: remediation.BulkAssign, OwnerID: h.mika.PersonID.String()}, 3)
	due := do(remediation.Bulk{Act: remediation.BulkDue, DueOn: "2027-01-01"}, 3)
	if it := read(b.ID); it.OwnerID != h.mika.PersonID || it.DueOn.Format(time.DateOnly) != "2027-01-01" {
		t.Errorf("the item is %+v", it)
	}
	if _, _, err := h.service.Undo(t.Context(), h.mika, due); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's batch: %v", err)
	}
	done := do(remediation.Bulk{Act: remediation.BulkDone, Resolution: "It is mended."}, 3)
	it := read(a.ID)
	if _, err := h.service.Change(t.Context(), h.mika, a.ID, remediation.Change{
		Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: remediation.Verified, Resolution: it.Resolution,
	}); err != nil {
		t.Fatal(err)
	}
	restored, left, err := h.service.Undo(t.Context(), h.asha, done)
	if err != nil || restored != 2 || left != 1 || read(a.ID).State != remediation.Verified || read(b.ID).State != remediation.Open || read(b.ID).DoneAt != nil {
		t.Errorf("%d restored, %d left: %v", restored, left, err)
	}
	if _, _, err := h.service.Undo(t.Context(), h.asha, done); !fault.Is(err, fault.Conflict) {
		t.Errorf("undone twice: %v", err)
	}
	h.clock = h.clock.Add(2 * time.Hour)
	if _, _, err := h.service.Undo(t.Context(), h.asha, due); !fault.Is(err, fault.Conflict) {
		t.Errorf("undone after hours: %v", err)
	}
}

// TestManyAtOnceFaults changes nothing when one item refuses.
func TestManyAtOnceFaults(t *testing.T) {
	h := newHouse(t, true)
	a := h.open("s/A", "high", "2026-12-01")
	for name, c := range map[string]struct {
		who  identity.Actor
		bulk remediation.Bulk
		kind fault.Kind
	}{
		"nothing chosen":  {h.asha, remediation.Bulk{Act: remediation.BulkDue}, fault.Invalid},
		"an unknown act":  {h.asha, remediation.Bulk{Act: "burn", Items: []uuid.UUID{a.ID}}, fault.Invalid},
		"no owner":        {h.asha, remediation.Bulk{Act: remediation.BulkAssign, Items: []uuid.UUID{a.ID}}, fault.Invalid},
		"no day":          {h.asha, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{a.ID}, DueOn: "soon"}, fault.Invalid},
		"a past day":      {h.asha, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{a.ID}, DueOn: h.clock.AddDate(0, 0, -1).Format(time.DateOnly)}, fault.Invalid},
		"no word of it":   {h.asha, remediation.Bulk{Act: remediation.BulkDone, Items: []uuid.UUID{a.ID}}, fault.Invalid},
		"a stranger":      {h.stranger, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{a.ID}, DueOn: "2027-01-01"}, fault.NotFound},
		"an unknown item": {h.asha, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{a.ID, uuid.New()}, DueOn: "2027-01-01"}, fault.NotFound},
		"too many":        {h.asha, remediation.Bulk{Act: remediation.BulkDue, Items: many(101), DueOn: "2027-01-01"}, fault.Invalid},
	} {
		if _, _, err := h.service.ChangeMany(t.Context(), c.who, c.bulk); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if it, err := h.service.Item(t.Context(), h.asha, a.ID); err != nil || it.Version != a.Version {
		t.Errorf("the item changed: %+v, %v", it, err)
	}
	h.exec(`update workloads set restricted = false`)
	_, _, err := h.service.ChangeMany(t.Context(), h.stranger, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{a.ID}, DueOn: "2027-01-01"})
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("a reader: %v", err)
	}
}

func many(n int) []uuid.UUID {
	list := make([]uuid.UUID, n)
	for i := range list {
		list[i] = uuid.New()
	}
	return list
}

// TestPolicy says by when an item is due, and who may change that.
func TestPolicy(t *testing.T) {
	h := newHouse(t, false)
	boss := identity.Actor{PersonID: h.stranger.PersonID, Roles: []identity.OrgRole{identity.Admin}}
	seen := remediation.Policy{}.Version()
	typed := func(field string) string {
		if field == "high_2" {
			return "7"
		}
		return "20"
	}
	if err := h.service.SavePolicy(t.Context(), h.asha, seen, typed); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a member: %v", err)
	}
	for _, bad := range []string{"", "0", "731", "-1", "x"} {
		if err := h.service.SavePolicy(t.Context(), boss, seen, func(string) string { return bad }); len(fault.FieldsOf(err)) != 9 {
			t.Errorf("%q: %v", bad, err)
		}
	}
	errs := make([]error, 2) // two admins at once
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = h.service.SavePolicy(t.Context(), boss, seen, typed) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Is(errors.Join(errs...), fault.Conflict) {
		t.Fatalf("the second: %v", errs)
	}
	in := remediation.NewItem{Title: "Mend it", Risk: "high", OwnerID: h.asha.PersonID.String()}
	id, err := h.service.Open(t.Context(), h.asha, h.workload, in)
	if err != nil {
		t.Fatal(err)
	}
	if it, err := h.service.Item(t.Context(), h.asha, id); err != nil || it.DueOn.Format(time.DateOnly) != "2026-11-28" {
		t.Errorf("it is due on %s: %v", it.DueOn, err)
	}
	if _, err := h.service.Open(t.Context(), h.stranger, h.workload, in); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a reader opens an item: %v", err)
	}
	if _, err := h.service.Open(t.Context(), h.asha, h.workload, remediation.NewItem{DueOn: "x"}); len(fault.FieldsOf(err)) != 4 {
		t.Errorf("an empty form: %v", err)
	}
	h.exec(`update workloads set stage = 'retired'`)
	if _, err := h.service.Open(t.Context(), h.asha, h.workload, in); !fault.Is(err, fault.Conflict) {
		t.Errorf("a retired workload: %v", err)
	}
}

// TestOrders reads every order page by page: each item once, groups together.
func TestOrders(t *testing.T) {
	h := newHouse(t, false)
	for i := range 30 {
		h.open("s/"+strconv.Itoa(i), []string{"high", "medium", "none"}[i%3], "2026-12-0"+strconv.Itoa(1+i%4))
	}
	h.exec(`update items set owner_id = null where cause_key like '%5'`)
	for _, order := range []string{remediation.ByDue, remediation.ByRisk, remediation.ByWorkload, remediation.ByOwner} {
		seen, groups, last := map[uuid.UUID]bool{}, 0, "?"
		f := remediation.Filter{Sort: order, Limit: 7}
		for {
			items, next, err := h.service.List(t.Context(), h.asha, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range items {
				seen[it.ID] = true
				if key := map[string]string{remediation.ByRisk: it.Risk, remediation.ByOwner: it.OwnerName}[order]; key != last {
					groups, last = groups+1, key
				}
			}
			if f.After = next; next == "" {
				break
			}
		}
		if want := map[string]int{remediation.ByRisk: 3, remediation.ByOwner: 2}[order]; len(seen) != 30 || want > 0 && groups != want {
			t.Errorf("order %q: %d items in %d groups", order, len(seen), groups)
		}
	}
	for _, f := range []remediation.Filter{{Sort: "x"}, {Risk: "x"}, {State: "x"}, {After: "x"}} {
		if _, _, err := h.service.List(t.Context(), h.asha, f); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if items, _, err := h.service.List(t.Context(), h.asha, remediation.Filter{Search: "MEND s/2", Risk: "none", TeamKey: "ledger"}); err != nil || len(items) != 5 {
		t.Errorf("%d found: %v", len(items), err)
	}
}
