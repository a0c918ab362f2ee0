package portfolio

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// SetUse is where one set of questions is asked.
type SetUse struct {
	Types []string // names of the review types that ask it
	Open  int      // open reviews pinned to one of its versions, of workloads the actor may read
}

// SetsInUse returns where the sets are asked, by their keys; a set that nothing asks is
// left out.
func (s *Service) SetsInUse(ctx context.Context, who identity.Actor) (map[string]SetUse, error) {
	if err := signedIn(who); err != nil {
		return nil, err
	}
	rows, err := s.db.Query(ctx, `
		select q.key, array(select t.name from review_types t where q.key = any(t.questionnaires) order by t.name) as types,
			(select count(*) from review_questionnaires p
				join reviews r on r.id = p.review_id and r.state = 'open'
				join workloads w on w.id = r.workload_id
				where p.questionnaire_key = q.key and `+Readable+`) as open
		from questionnaires q`, Reader(who))
	if err != nil {
		return nil, fmt.Errorf("read where questionnaires are used: %w", err)
	}
	uses := map[string]SetUse{}
	var key string
	var use SetUse
	_, err = pgx.ForEachRow(rows, []any{&key, &use.Types, &use.Open}, func() error {
		if len(use.Types) > 0 || use.Open > 0 {
			uses[key] = use
		}
		use.Types = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read where questionnaires are used: %w", err)
	}
	return uses, nil
}
