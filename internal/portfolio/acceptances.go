package portfolio

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

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

// acceptances reads what the actor may judge (nobody judges what they asked for, or whose
// question they answered in an open round), and what ends soon on workloads of their teams,
// or ended in the last 30 days and was neither renewed nor mended.
func (s *Service) acceptances(ctx context.Context, who identity.Actor, h *Home) error {
	judged, all := judges(who)
	const columns = ` as judge, x.id, x.title, w.key as workload_key, w.name as workload_name, x.risk, p.name as asked_by,
		coalesce(x.until, x.wanted_until) as until, count(*) over () as total
		from acceptances x
		join workloads w on w.id = x.workload_id
		join people p on p.id = x.asked_by `
	sql := `
		with mine as materialized (
			select round_id, version_id, question_id from answers where saved_by = @me
			union select round_id, version_id, question_id from answer_revisions where saved_by = @me),
		working as materialized ( -- each found by its id: there are thousands more than those the actor wrote in
			select d.id, d.review_id from (select distinct round_id from mine) m
			cross join lateral (select id, review_id from rounds where id = m.round_id and state in ('draft', 'submitted') offset 0) d),
		wrote as materialized (
			select r.workload_id, k.questionnaire_key || '/' || a.question_id as question
			from working d
			join mine a on a.round_id = d.id
			join reviews r on r.id = d.review_id
			join review_questionnaires k on k.review_id = r.id and k.version_id = a.version_id)
		(select true` + columns + `
		where x.state = 'asked' and x.settled_at is null and (@judges_all or w.id = any(@judged)) and x.asked_by <> @me
			and (x.workload_id, x.question) not in (select workload_id, question from wrote)
		order by x.asked_at, x.id` + atMost(HomeRows) + `)
		union all
		(select false` + columns + `
		where x.state = 'granted' and x.settled_at is null and x.until between @from and @to and w.team_id = any(@teams)
		order by x.until, x.id` + atMost(HomeRows) + `)`
	args := Reader(who)
	delete(args, "sees_all")
	delete(args, "grants")
	args["me"], args["judges_all"], args["judged"] = who.PersonID, all, judged
	args["from"], args["to"] = today(s.now()).Add(-soon), today(s.now()).Add(soon-24*time.Hour)
	rows, err := s.db.Query(ctx, sql, args)
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
