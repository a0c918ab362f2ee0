package notify_test

import (
	"sync"
	"testing"
	"time"

	"orrery/internal/notify"
	"orrery/internal/notify/mailtest"
)

// jobs counts the jobs of a kind that are not done.
func (h *house) jobs(kind string) (n int) {
	h.Helper()
	h.must(h.db.QueryRow(h.Context(), `select count(*) from river.river_job where kind = $1 and finalized_at is null`, kind).Scan(&n))
	return n
}

// TestOneWaitingMail whatever the outage lasts, and none for what may no longer be read; who leaves
// is served first.
func TestOneWaitingMail(t *testing.T) {
	h := newHouse(t)
	h.service.SendWith(mailtest.New(t).Mail())
	h.open(h.asha, h.mika, "2026-12-05")
	for range 3 {
		h.clock = h.clock.Add(90 * time.Second)
		h.must(h.service.Post(t.Context()))
	}
	if n := h.jobs("notify.mail"); n != 1 {
		t.Errorf("%d jobs wait for one person", n)
	}
	o, release := notify.MailArgs{}.InsertOpts(), notify.ReleaseArgs{}.InsertOpts()
	if o.UniqueOpts.ByPeriod != 0 || o.Priority <= release.Priority {
		t.Errorf("mail is inserted with %+v, a release with %+v", o, release)
	}
	h.exec(`update river.river_job set state = 'completed', finalized_at = now()`)
	h.must(h.service.Post(t.Context()))
	if n := h.jobs("notify.mail"); n != 1 {
		t.Errorf("%d jobs after the last one was done", n)
	}
	h.exec(`delete from river.river_job`)
	h.exec(`update workloads set restricted = true`)
	h.exec(`delete from memberships where person_id = $1`, h.mika.PersonID)
	h.must(h.service.Post(t.Context()))
	if n := h.jobs("notify.mail"); n != 0 {
		t.Errorf("%d jobs for what nobody may read", n)
	}
}

// TestNoLetterTwice while several workers have the same person.
func TestNoLetterTwice(t *testing.T) {
	h, p := newHouse(t), mailtest.New(t)
	h.service.SendWith(p.Mail())
	p.Slow(300 * time.Millisecond)
	h.open(h.asha, h.mika, "2026-12-05")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := h.service.MailTo(t.Context(), h.mika.PersonID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(p.Take()); n != 1 {
		t.Errorf("%d letters", n)
	}
	h.open(h.asha, h.mika, "2026-12-06")
	h.must(h.service.MailTo(t.Context(), h.mika.PersonID))
	if n := len(p.Take()); n != 1 {
		t.Errorf("%d letters of what came later", n)
	}
}
