package portfolio

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/identity"
)

// AcceptanceTask is a risk acceptance that waits for the actor: to judge, or soon to end.
type AcceptanceTask struct {
	Judge        bool // asked for, and the actor may judge it; else it ends within 30 days
	ID           uuid.UUID
	Title        string // of the question
	WorkloadKey  string
	WorkloadName string
	Risk         string
	AskedBy      string
	Until        time.Time // the last day, as granted or as asked for
}

// The acceptances of a home: askedSQL may be judged, acceptedSQL ends soon.
var (
	acceptanceColumns = ` as judge, x.id, x.title, w.key as workload_key, w.name as workload_name, x.risk, p.name as asked_by,
		coalesce(x.until, x.wanted_until) as until, count(*) over () as total `

	askedSQL = `
		(select true` + acceptanceColumns + `
		from acceptances x
		join workloads w on w.id = x.workload_id
		join people p on p.id = x.asked_by
		where x.state = 'asked' and x.settled_at is null and (@judges_all or w.id = any(@judged)) and x.asked_by <> @me
			and not exists ( -- each looked up: few are asked for, and many rounds are open
				select from reviews r
				join rounds d on d.review_id = r.id and d.state in ('draft', 'submitted')
				join review_questionnaires k on k.review_id = r.id and starts_with(x.question, k.questionnaire_key || '/')
				cross join lateral (select substr(x.question, length(k.questionnaire_key) + 2) as id) q
				where r.workload_id = x.workload_id and (
					exists (select from answers a where a.round_id = d.id and a.version_id = k.version_id and a.question_id = q.id and a.saved_by = @me)
					or exists (select from answer_revisions a where a.round_id = d.id and a.version_id = k.version_id and a.question_id = q.id and a.saved_by = @me))
				offset 0)
		order by x.asked_at, x.id` + atMost(HomeRows) + `)`

	acceptedSQL = `
		(select false` + acceptanceColumns + `
		from workloads w
		cross join lateral (
			select * from acceptances x
			where x.workload_id = w.id and x.state = 'granted' and x.settled_at is null and x.until between @from and @to offset 0) x
		join people p on p.id = x.asked_by
		where ` + ofTeams + `
		order by x.until, x.id` + atMost(HomeRows) + `)`
)

// acceptances reads what the actor may judge (nobody judges what they asked for, or whose
// question they answered in an open round), and what ends soon on workloads of their teams,
// or ended in the last 30 days and was neither renewed nor mended.
func (s *Service) acceptances(ctx context.Context, who identity.Actor, h *Home) error {
	var lists []string
	args := pgx.StrictNamedArgs{}
	if judged, all := judges(who); len(judged) > 0 {
		lists = append(lists, askedSQL)
		args["me"], args["judges_all"], args["judged"] = who.PersonID, all, judged
	}
	if len(who.Teams) > 0 {
		lists = append(lists, acceptedSQL)
		args["teams"] = Reader(who)["teams"]
		args["from"], args["to"] = today(s.now()).Add(-soon), today(s.now()).Add(soon-24*time.Hour)
	}
	if len(lists) == 0 {
		return nil
	}
	rows, err := s.db.Query(ctx, strings.Join(lists, " union all "), args)
	if err != nil {
		return fmt.Errorf("read acceptances: %w", err)
	}
	type row struct {
		AcceptanceTask
		Total int
	}
	_, err = collect(rows, func(r row) {
		if r.Judge {
			h.Asked, h.AskedTotal = append(h.Asked, r.AcceptanceTask), r.Total
			return
		}
		h.AcceptancesEnding, h.AcceptancesEndingTotal = append(h.AcceptancesEnding, r.AcceptanceTask), r.Total
	})
	if err != nil {
		return fmt.Errorf("read acceptances: %w", err)
	}
	return nil
}

// judges lists the workloads that the actor may judge, and whether that is all of them.
func judges(who identity.Actor) (judged []uuid.UUID, all bool) {
	judged = []uuid.UUID{}
	for _, g := range who.Grants {
		if g.Kind == identity.Approver && who.Approves(g.WorkloadID) {
			judged = append(judged, g.WorkloadID)
			all = all || g.WorkloadID == uuid.Nil
		}
	}
	return judged, all
}
