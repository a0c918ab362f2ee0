package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/report"
)

func TestReportsAreMadeByJobs(t *testing.T) {
	s := newStage(t)
	ask := "/api/v1/reviews/" + s.review.ID.String() + "/reports"
	r := s.send(http.MethodPost, ask, s.team, `{"options":"full","comments":true}`)
	at := r.header.Get("Location")
	if r.status != http.StatusAccepted || s.member(r, "state") != report.Queued {
		t.Fatalf("%d %s", r.status, r.body)
	}
	id := uuid.MustParse(strings.TrimPrefix(at, "/api/v1/reports/"))
	s.send(http.MethodGet, at+"/file", s.team, "").problem(http.StatusConflict, "queued")
	var jobs int
	s.must(nil, s.db.QueryRow(t.Context(), `select count(*) from river.river_job where kind = 'report.make' and queue = 'reports'`).Scan(&jobs))
	if jobs != 1 {
		t.Errorf("%d jobs", jobs)
	}
	s.must(nil, s.reports.Make(t.Context(), id, false))
	s.must(nil, s.reports.Make(t.Context(), id, false)) // a second time does nothing
	done := s.send(http.MethodGet, at, s.team, "")
	if s.member(done, "state") != report.Done || s.member(done, "file") != "https://orrery.test"+at+"/file" || s.member(done, "name") != "payments-new-service-round-1-full.pdf" {
		t.Errorf("%s", done.body)
	}
	file := s.send(http.MethodGet, at+"/file", s.team, "")
	if file.status != http.StatusOK || !strings.HasPrefix(file.body, "%PDF-") || file.header.Get("Content-Disposition") != `attachment; filename="payments-new-service-round-1-full.pdf"` {
		t.Errorf("%d %v %.20q", file.status, file.header, file.body)
	}
	s.send(http.MethodGet, at, s.token, "").problem(http.StatusNotFound, "no such report") // another's
	s.send(http.MethodGet, at+"/file", s.token, "").problem(http.StatusNotFound, "no such report")
	s.send(http.MethodPost, ask, s.team, `{"options":"half"}`).problem(http.StatusUnprocessableEntity, "options")
	s.send(http.MethodPost, ask, s.team, `{"round":9}`).problem(http.StatusNotFound, "no such round")
	s.clock = s.clock.Add(report.Kept)
	team := s.tokenFor("asha", identity.ReadReviews)
	s.send(http.MethodGet, at, team, "").problem(http.StatusNotFound, "no longer kept")
	s.must(nil, s.reports.Sweep(t.Context()))
	var left int
	s.must(nil, s.db.QueryRow(t.Context(), `select count(*) from report_orders`).Scan(&left))
	if left != 0 {
		t.Errorf("%d are left", left)
	}
}

// TestReportsFollowRights asks as somebody whose right to read ends before the job begins, and
// too often.
func TestReportsFollowRights(t *testing.T) {
	s := newStage(t)
	o, err := s.reports.Ask(t.Context(), s.asha, s.hidden.ID, report.Wish{})
	s.must(nil, err)
	s.must(s.db.Exec(t.Context(), `delete from memberships`))
	s.must(s.db.Exec(t.Context(), `delete from org_roles`))
	s.must(nil, s.reports.Make(t.Context(), o.ID, false))
	s.send(http.MethodGet, "/api/v1/reports/"+o.ID.String(), s.team, "").problem(http.StatusNotFound, "")
	var state string
	s.must(nil, s.db.QueryRow(t.Context(), `select state from report_orders where id = $1`, o.ID).Scan(&state))
	if state != report.Failed {
		t.Errorf("it is %s", state)
	}
	token := s.tokenFor("noor", identity.ReadReviews)
	s.must(s.db.Exec(t.Context(), `
		insert into report_orders (id, review_id, round, extent, comments, state, problem, name, size, order_by, asked_at, ends_at)
		select gen_random_uuid(), $1, 1, 'full', false, 'queued', '', '', 0, $2, $3::timestamptz, $3::timestamptz + interval '1 day' from generate_series(1, 100)`, s.review.ID, s.noor.PersonID, s.clock.Add(-time.Hour)))
	s.send(http.MethodPost, "/api/v1/reviews/"+s.review.ID.String()+"/reports", token, `{}`).problem(http.StatusTooManyRequests, "100 reports")
}
