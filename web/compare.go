package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/review"
	"orrery/web/views"
)

// compareRoutes show what changed between two rounds.
func compareRoutes() []Route {
	return []Route{{"GET", "/reviews/{id}/compare", signedIn(compareRounds)}}
}

// compareRounds compares the round ?to= of the review with ?from=, a round of the same
// review or, written <review>:<round>, of another review of the workload.
func compareRounds(v *visit) error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	from, err := readRound(id, v.r.URL.Query().Get("from"))
	if err != nil {
		return err
	}
	if from.Number == 0 {
		from = review.RoundRef{} // the round before
	}
	to, err := readRound(id, v.r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	if to.ReviewID != id {
		return errNoRound()
	}
	c, err := v.Reviews.Compare(v.ctx(), v.who, from, to)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Compare(v.page("Compare rounds of "+c.Workload.Name, "/reviews", reviewCrumbs(c.Review, "Compare")...), c))
}

func errNoRound() error { return fault.New(fault.NotFound, "This review has no such round.") }

// readRound reads "2", "<review>:2", or nothing, which is the newest round of the review.
func readRound(id uuid.UUID, s string) (review.RoundRef, error) {
	ref := review.RoundRef{ReviewID: id}
	if s == "" {
		return ref, nil
	}
	if other, number, ok := strings.Cut(s, ":"); ok {
		var err error
		if ref.ReviewID, err = uuid.Parse(other); err != nil {
			return ref, errNoRound()
		}
		s = number
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return ref, errNoRound()
	}
	ref.Number = int(n)
	return ref, nil
}
