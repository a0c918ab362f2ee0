package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/identity"
)

// told is a notice for several people.
type told struct {
	kind, key, title, href string
	workload               uuid.UUID
	at                     time.Time
}

// Take makes the notices of an event, within the caller's transaction; the same event again
// makes none. It does not authorise: the dispatcher of events calls it.
func (s *Service) Take(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	err := settle(ctx, tx, e)
	if err != nil {
		return fmt.Errorf("settle notices by %s: %w", e.Verb, err)
	}
	switch e.Verb {
	case "item.opened", "item.reopened":
		err = s.itemAssigned(ctx, tx, e, e.Detail("owner"))
	case "item.open", "item.in_progress", "item.kept":
		err = s.itemAssigned(ctx, tx, e, e.Detail("assigned"))
		if err == nil && e.Detail("returned_by") != "" {
			err = s.itemReturned(ctx, tx, e)
		}
	case "answers.assigned":
		err = s.questionsAssigned(ctx, tx, e)
	case "round.submitted":
		err = s.submitted(ctx, tx, e)
	case "outside_decision.recorded":
		err = s.outsideRecorded(ctx, tx, e)
	case "outside_decision.confirmed", "outside_decision.refused":
		err = settleOutside(ctx, tx, e, "outside/"+e.TargetID)
	case "round.decided":
		err = settleOutside(ctx, tx, e, "")
	case "acceptance.asked":
		err = s.acceptanceAsked(ctx, tx, e)
	case "lesson.proposed":
		err = s.lessonProposed(ctx, tx, e)
	case "lesson.accepted", "lesson.merged", "lesson.declined":
		err = s.lessonJudged(ctx, tx, e)
	case "evidence.run_finished":
		err = s.evidenceChanged(ctx, tx, e)
	case "evidence.turned":
		err = s.evidenceTurned(ctx, tx, e)
	case "person.deactivated":
		if person, bad := uuid.Parse(e.TargetID); bad == nil {
			_, err = s.jobs.InsertTx(ctx, tx, ReleaseArgs{PersonID: person}, nil)
		}
	}
	if err == nil {
		err = s.tellChat(ctx, tx, e)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // what it was about is gone
	}
	if err != nil {
		return fmt.Errorf("make notices of %s: %w", e.Verb, err)
	}
	return nil
}

// tell stores a notice for each of the people who can sign in.
func tell(ctx context.Context, tx pgx.Tx, people []uuid.UUID, n told) error {
	const sql = `
		insert into notices (id, person_id, kind, key, workload_id, title, href, at)
		select gen_random_uuid(), p.id, @kind, @key, @workload, @title, @href, @at
		from people p where p.id = any(@people) and p.deactivated_at is null
		on conflict on constraint notices_once do nothing`
	var workload *uuid.UUID
	if n.workload != uuid.Nil {
		workload = &n.workload
	}
	_, err := tx.Exec(ctx, sql, pgx.StrictNamedArgs{
		"kind": n.kind, "key": n.key, "workload": workload, "title": shorten(n.title), "href": n.href, "at": n.at, "people": people,
	})
	return err
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 400 {
		return string(r[:397]) + "..."
	}
	return s
}

func eventKey(e audit.Event) string { return e.Stream + "/" + strconv.FormatInt(e.Seq, 10) }

func (s *Service) itemAssigned(ctx context.Context, tx pgx.Tx, e audit.Event, owner string) error {
	person, err := uuid.Parse(owner)
	if err != nil || person == e.ActorID {
		return nil //nolint:nilerr // nobody was given it, or they took it themselves
	}
	var title, workload string
	var due time.Time
	const sql = `select i.title, w.name, i.due_on from items i join workloads w on w.id = i.workload_id where i.id = $1`
	if err := tx.QueryRow(ctx, sql, e.TargetID).Scan(&title, &workload, &due); err != nil {
		return err
	}
	return tell(ctx, tx, []uuid.UUID{person}, told{
		Assigned, eventKey(e), "Yours to mend in " + workload + " by " + day(due) + ": " + title, "/items/" + e.TargetID, e.WorkloadID(), e.At,
	})
}

// itemReturned tells the leads, but the one who acted, that an item is in their team's queue again.
func (s *Service) itemReturned(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	var title, workload string
	var team uuid.UUID
	const sql = `select i.title, w.name, w.team_id from items i join workloads w on w.id = i.workload_id where i.id = $1`
	if err := tx.QueryRow(ctx, sql, e.TargetID).Scan(&title, &workload, &team); err != nil {
		return err
	}
	leads, err := leadsOf(ctx, tx, team)
	if err != nil {
		return err
	}
	leads = slices.DeleteFunc(leads, func(id uuid.UUID) bool { return id == e.ActorID })
	return tell(ctx, tx, leads, told{HandedOver, eventKey(e), "Nobody owns any more in " + workload + ": " + title, "/items/" + e.TargetID, e.WorkloadID(), e.At})
}

func day(t time.Time) string { return t.Format("2 January 2006") }

func (s *Service) questionsAssigned(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	person, err := uuid.Parse(e.Detail("person"))
	if err != nil || person == e.ActorID {
		return nil //nolint:nilerr // nobody was given them, or they took them themselves
	}
	workload, err := nameOf(ctx, tx, e.WorkloadID())
	if err != nil {
		return err
	}
	n := len(strings.Fields(e.Detail("questions")))
	words := "A question about " + workload + " is yours to answer."
	if n != 1 {
		words = strconv.Itoa(n) + " questions about " + workload + " are yours to answer."
	}
	return tell(ctx, tx, []uuid.UUID{person}, told{Assigned, eventKey(e), words, "/reviews/" + e.TargetID, e.WorkloadID(), e.At})
}

func nameOf(ctx context.Context, tx pgx.Tx, workload uuid.UUID) (name string, err error) {
	err = tx.QueryRow(ctx, `select name from workloads where id = $1`, workload).Scan(&name)
	return name, err
}

// approversOf are who may judge the workload, but the one who acted.
func approversOf(ctx context.Context, tx pgx.Tx, workload, but uuid.UUID) ([]uuid.UUID, error) {
	list, err := identity.Approvers(ctx, tx, workload, uuid.Nil)
	if err != nil {
		return nil, err
	}
	var people []uuid.UUID
	for _, c := range list {
		if c.ID != but {
			people = append(people, c.ID)
		}
	}
	return people, nil
}

// submitted tells the approvers who saved no answer in the round.
func (s *Service) submitted(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	people, err := approversOf(ctx, tx, e.WorkloadID(), e.ActorID)
	if err != nil || len(people) == 0 {
		return err
	}
	const sql = `
		select p from unnest($2::uuid[]) as p
		where not exists (
			select from answers a join rounds d on d.id = a.round_id and d.state = 'submitted'
			where d.review_id = $1 and a.saved_by = p)`
	rows, err := tx.Query(ctx, sql, e.TargetID, people)
	if err != nil {
		return err
	}
	if people, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return err
	}
	workload, err := nameOf(ctx, tx, e.WorkloadID())
	if err != nil {
		return err
	}
	return tell(ctx, tx, people, told{Decide, eventKey(e), "A review of " + workload + " waits for your decision.", "/reviews/" + e.TargetID, e.WorkloadID(), e.At})
}

func (s *Service) acceptanceAsked(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	people, err := approversOf(ctx, tx, e.WorkloadID(), e.ActorID)
	if err != nil {
		return err
	}
	var title, workload string
	const sql = `select a.title, w.name from acceptances a join workloads w on w.id = a.workload_id where a.id = $1`
	if err := tx.QueryRow(ctx, sql, e.TargetID).Scan(&title, &workload); err != nil {
		return err
	}
	return tell(ctx, tx, people, told{
		Decide, eventKey(e), "A risk of " + workload + " is asked to be accepted: " + title, "/acceptances/" + e.TargetID, e.WorkloadID(), e.At,
	})
}

// evidenceChanged tells the leads how many findings fail that did not before. The first
// collection is a baseline and changes nothing.
func (s *Service) evidenceChanged(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	const sql = `
		select w.name, w.key, w.team_id, (select count(*) from facts f where f.run_id = r.id and f.state = 'fail' and f.gone_at is null)::int
		from runs r join workloads w on w.id = r.workload_id
		where r.id = $1 and exists (select from runs b where b.workload_id = r.workload_id and b.id <> r.id and b.state = 'complete' and b.requested_at < r.requested_at)`
	var name, key string
	var team uuid.UUID
	var failing int
	if err := tx.QueryRow(ctx, sql, e.TargetID).Scan(&name, &key, &team, &failing); err != nil || failing == 0 {
		return err
	}
	leads, err := leadsOf(ctx, tx, team)
	if err != nil {
		return err
	}
	words := "Evidence of " + name + " changed: a finding fails that did not before, or fails otherwise."
	if failing > 1 {
		words = "Evidence of " + name + " changed: " + strconv.Itoa(failing) + " findings fail that did not before, or fail otherwise."
	}
	return tell(ctx, tx, leads, told{Evidence, runKey(e.TargetID), words, "/workloads/" + key + "/evidence", e.WorkloadID(), e.At})
}

// runKey makes one notice of what a run brings to a person, be it findings or a turn against
// a decision: that comes first.
func runKey(run string) string { return "run/" + run }

// evidenceTurned tells the leads and who decided that evidence speaks against answers of the
// decision. Who may no longer judge a restricted workload is not told of it.
func (s *Service) evidenceTurned(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	const sql = `
		select w.name, w.key, w.team_id, w.restricted, d.decided_by from workloads w join decisions d on d.id = $2
		where w.id = $1`
	var name, key string
	var team, decider uuid.UUID
	var restricted bool
	if err := tx.QueryRow(ctx, sql, e.WorkloadID(), e.Detail("decision")).Scan(&name, &key, &team, &restricted, &decider); err != nil {
		return err
	}
	people, err := leadsOf(ctx, tx, team)
	if err != nil {
		return err
	}
	approvers, err := approversOf(ctx, tx, e.WorkloadID(), uuid.Nil)
	if err != nil {
		return err
	}
	if !restricted || slices.Contains(approvers, decider) {
		people = append(people, decider)
	}
	words := "Evidence of " + name + " changed since the decision: it speaks against the answer to a question."
	if n := len(strings.Fields(e.Detail("questions"))); n > 1 {
		words = "Evidence of " + name + " changed since the decision: it speaks against the answers to " + strconv.Itoa(n) + " questions."
	}
	return tell(ctx, tx, people, told{Evidence, runKey(e.Detail("run")), words, "/workloads/" + key, e.WorkloadID(), e.At})
}

// leadsOf are the active leads of a team; everybody in it when it has none.
func leadsOf(ctx context.Context, tx pgx.Tx, team uuid.UUID) ([]uuid.UUID, error) {
	const sql = `
		select m.person_id from memberships m join people p on p.id = m.person_id and p.deactivated_at is null
		where m.team_id = $1 and (m.role = 'lead' or not exists (
			select from memberships l join people x on x.id = l.person_id and x.deactivated_at is null where l.team_id = $1 and l.role = 'lead'))`
	rows, err := tx.Query(ctx, sql, team)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
