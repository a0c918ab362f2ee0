package discussion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

func errNoTarget() error { return fault.New(fault.NotFound, "There is no such page to talk about.") }

// Target finds what is talked about; not found when there is none, or who may not read it.
func (s *Service) Target(ctx context.Context, who identity.Actor, kind, id string) (Target, error) {
	return s.target(ctx, s.db, who, kind, id)
}

// QuestionID is the id of a question as a target.
func QuestionID(review uuid.UUID, questionnaire, question string) string {
	return review.String() + "/" + questionnaire + "/" + question
}

func (s *Service) target(ctx context.Context, q postgres.Querier, who identity.Actor, kind, id string) (t Target, err error) {
	switch kind {
	case OnQuestion:
		t, err = s.questionTarget(ctx, q, id)
	case OnItem:
		t, err = itemTarget(ctx, q, id)
	case OnReview:
		t, err = reviewTarget(ctx, q, id)
	default:
		return Target{}, errNoTarget()
	}
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !who.CanRead(t.Identity()) {
		return Target{}, errNoTarget()
	}
	if err != nil {
		return Target{}, fmt.Errorf("read target: %w", err)
	}
	t.Kind, t.ID = kind, id
	return t, nil
}

// place are the columns of a target's workload w, in the order of scanPlace.
const place = `w.id, w.key, w.name, w.team_id, t.name, w.restricted`

func (t *Target) place() []any {
	return []any{&t.WorkloadID, &t.WorkloadKey, &t.WorkloadName, &t.TeamID, &t.TeamName, &t.Restricted}
}

func (s *Service) questionTarget(ctx context.Context, q postgres.Querier, id string) (t Target, err error) {
	parts := strings.SplitN(id, "/", 3)
	if len(parts) != 3 {
		return t, errNoTarget()
	}
	if t.ReviewID, err = uuid.Parse(parts[0]); err != nil || t.ReviewID.String() != parts[0] {
		return t, errNoTarget()
	}
	const sql = `
		select ` + place + `, d.state, p.version_id
		from reviews r
		join workloads w on w.id = r.workload_id
		join teams t on t.id = w.team_id
		cross join lateral (select * from rounds x where x.review_id = r.id order by x.number desc limit 1) d
		join review_questionnaires p on p.review_id = r.id and p.questionnaire_key = $2
		join answers a on a.round_id = d.id and a.version_id = p.version_id and a.question_id = $3
		where r.id = $1`
	var version uuid.UUID
	if err := q.QueryRow(ctx, sql, t.ReviewID, parts[1], parts[2]).Scan(append(t.place(), &t.RoundState, &version)...); err != nil {
		return t, err
	}
	set, err := s.library.Version(ctx, q, version)
	if err != nil {
		return t, err
	}
	question, ok := set.Question(parts[2])
	if !ok {
		return t, errNoTarget()
	}
	t.Title, t.Choices, t.Path = question.Title, question.Choices, "/reviews/"+parts[0]+"/q/"+parts[1]+"/"+parts[2]
	return t, nil
}

func itemTarget(ctx context.Context, q postgres.Querier, id string) (t Target, err error) {
	item, err := uuid.Parse(id)
	if err != nil || item.String() != id {
		return t, errNoTarget()
	}
	const sql = `
		select ` + place + `, i.title
		from items i join workloads w on w.id = i.workload_id join teams t on t.id = w.team_id
		where i.id = $1`
	t.Path = "/items/" + id
	err = q.QueryRow(ctx, sql, item).Scan(append(t.place(), &t.Title)...)
	return t, err
}

func reviewTarget(ctx context.Context, q postgres.Querier, id string) (t Target, err error) {
	if t.ReviewID, err = uuid.Parse(id); err != nil || t.ReviewID.String() != id {
		return t, errNoTarget()
	}
	const sql = `
		select ` + place + `, d.state, y.name || case r.change_key when '' then '' else ', ' || r.change_key end
		from reviews r
		join review_types y on y.key = r.type_key
		join workloads w on w.id = r.workload_id
		join teams t on t.id = w.team_id
		cross join lateral (select * from rounds x where x.review_id = r.id order by x.number desc limit 1) d
		where r.id = $1`
	t.Path = "/reviews/" + id
	err = q.QueryRow(ctx, sql, t.ReviewID).Scan(append(t.place(), &t.RoundState, &t.Title)...)
	return t, err
}

// lockTarget is target with its review locked against submission, for adding and removing
// what a round freezes.
func (s *Service) lockTarget(ctx context.Context, tx pgx.Tx, who identity.Actor, kind, id string) (Target, error) {
	if kind == OnQuestion || kind == OnReview {
		review, _, _ := strings.Cut(id, "/")
		known, err := uuid.Parse(review)
		if err != nil {
			return Target{}, errNoTarget()
		}
		if _, err := tx.Exec(ctx, `select from reviews where id = $1 for share`, known); err != nil {
			return Target{}, fmt.Errorf("lock review: %w", err)
		}
	}
	return s.target(ctx, tx, who, kind, id)
}

// mayAttach says whether who may bring files, links and statements: the owning team and the workload's
// approvers and facilitators, while the round is a draft.
func (t Target) mayAttach(who identity.Actor) error {
	if err := inPerson(who); err != nil {
		return err
	}
	id := t.Identity()
	if !who.InTeam(t.TeamID) && !who.Has(identity.Approver, id.WorkloadID) && !who.Has(identity.Facilitator, id.WorkloadID) {
		return fault.New(fault.Forbidden, "Only %s and the workload's approvers and facilitators may add files, links and statements.", t.TeamName)
	}
	return t.unfrozen()
}

// unfrozen refuses when the target belongs to a round that is not a draft.
func (t Target) unfrozen() error {
	if t.ReviewID == uuid.Nil || t.RoundState == "draft" {
		return nil
	}
	return fault.New(fault.Conflict, "This round is %s, so its files, links and statements cannot change. Comments still can.", t.RoundState)
}

// judges reports whether who may challenge: a facilitator or an approver of the workload,
// by somebody else's word.
func (t Target) judges(who identity.Actor) bool {
	return who.TokenID == uuid.Nil && (who.Has(identity.Facilitator, t.WorkloadID) || who.Has(identity.Approver, t.WorkloadID))
}

// inPerson refuses all but a person in a browser.
func inPerson(who identity.Actor) error {
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	if who.TokenID != uuid.Nil {
		return fault.New(fault.Forbidden, "An API token may not do this. Sign in with a browser.")
	}
	return nil
}

// mayTalk refuses nobody, and a token that does not write answers.
func mayTalk(who identity.Actor) error {
	if who.PersonID != uuid.Nil && !who.Scoped(identity.WriteAnswers) {
		return fault.New(fault.Forbidden, "This token lacks the scope %s.", identity.WriteAnswers)
	}
	if who.PersonID == uuid.Nil {
		return fault.New(fault.Unauthenticated, "Please sign in.")
	}
	return nil
}
