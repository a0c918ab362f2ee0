package portfolio_test

import (
	"fmt"
	"testing"

	"orrery/internal/identity"
	"orrery/internal/portfolio"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// TestItemViewsCountWhatTheListsHold compares the counts with the lists of the room that
// owns the items.
func TestItemViewsCountWhatTheListsHold(t *testing.T) {
	w := newWorld(t)
	w.grow(60)
	w.exec(`update items set state = 'verified', verified_by = $2 where due_on < $1`, w.now.AddDate(0, 0, -15), w.jonas.PersonID)
	w.exec(`update items set owner_id = null where id in (select id from items order by id desc limit 5)`)
	secret := w.workload(w.mika, "secret", func(in *workload.Input) { in.Restricted = true })
	w.exec(`update items set workload_id = $1 where workload_id = (select workload_id from items order by id limit 1)`, secret.ID)
	for _, who := range []identity.Actor{w.asha, w.mika} {
		for _, key := range []string{"", "w-1", "w-2", "secret", "absent"} {
			got, err := w.portfolio.ItemViews(t.Context(), who, remediation.Filter{WorkloadKey: key})
			if err != nil {
				t.Fatal(err)
			}
			length := func(f remediation.Filter) (n int) {
				f.WorkloadKey = key
				for {
					items, next, err := w.items.List(t.Context(), who, f)
					if err != nil {
						t.Fatal(err)
					}
					if n += len(items); next == "" {
						return n
					}
					f.After = next
				}
			}
			expected := portfolio.ItemViews{
				Open: length(remediation.Filter{}), Mine: length(remediation.Filter{OwnerID: who.PersonID}),
				Overdue: length(remediation.Filter{OverdueAt: w.now}), Done: length(remediation.Filter{State: remediation.Done}),
				Queue: length(remediation.Filter{Queue: true}),
				All:   length(remediation.Filter{State: "all"}),
			}
			want(t, fmt.Sprintf("%s, workload %q", who.Name, key), got, expected)
			if key == "" && (got.Overdue == 0 || got.Done == 0 || got.Open == got.All) {
				t.Errorf("the case shows nothing: %+v", got)
			}
		}
	}
}
