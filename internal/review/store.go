package review

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/workload"
)

func errNotFound() error { return fault.New(fault.NotFound, "There is no such review.") }

const reviewSQL = `
	select r.id, r.type_key, t.name, r.change_key, r.change_title, r.change_ticket, r.state, r.core_path,
		r.gates_launch, r.valid_days, greatest(r.signoffs, (coalesce(r.signoffs_by_tier, t.signoffs))[w.tier]), least(r.tier, w.tier), coalesce(sp.name, ''), r.started_at,
		r.target_on, r.meeting_on, r.attendees, r.plan_version,
		d.id, d.number, d.state, d.opened_at, d.submissions, coalesce(bp.name, ''), d.submitted_at, d.content_sha256,
		d.returned_note, coalesce(rp.name, ''), w.id, w.key, w.name, w.team_id, tm.key, tm.name, w.tier, w.stage, w.restricted, w.launch_on,
		array(select p.questionnaire_key from review_questionnaires p where p.review_id = r.id order by p.position),
		array(select p.version_id from review_questionnaires p where p.review_id = r.id order by p.position),
		array(select p.extra from review_questionnaires p where p.review_id = r.id order by p.position),
		exists (select from answers v where v.round_id = d.id and v.saved_by = $2)
			or exists (select from answer_revisions v where v.round_id = d.id and v.saved_by = $2)
			or exists (
				select from answers v
				join answers o on o.round_id = v.origin_round and o.version_id = v.origin_version and o.question_id = v.origin_question
				join rounds x on x.id = o.round_id and x.review_id = r.id
				where v.round_id = d.id and o.saved_by = $2)
	from reviews r
	join review_types t on t.key = r.type_key
	join workloads w on w.id = r.workload_id
	join teams tm on tm.id = w.team_id
	left join people sp on sp.id = r.started_by
	cross join lateral (select * from rounds x where x.review_id = r.id order by x.number desc limit 1) d
	left join people bp on bp.id = d.submitted_by
	left join people rp on rp.id = d.returned_by
	where r.id = $1`

// load reads a review for the actor: not found when its workload is not readable.
func load(ctx context.Context, q postgres.Querier, who identity.Actor, id uuid.UUID) (Review, error) {
	return scanReview(q.QueryRow(ctx, reviewSQL, id, who.PersonID), who)
}

// lockForShare is load with the review locked against submission, for saving answers.
func lockForShare(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Review, error) {
	return lockAndLoad(ctx, tx, who, id, `select id from reviews where id = $1 for share`)
}

// lockForUpdate is load with the review locked against everything, for submitting, signing
// and deciding.
func lockForUpdate(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Review, error) {
	return lockAndLoad(ctx, tx, who, id, `select id from reviews where id = $1 for update`)
}

// lockToOpen is lockForUpdate for what may open a review that is closed, with its workload held
// first: a move and a retirement lock the reviews that are open.
func lockToOpen(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID) (Review, error) {
	var workloadID uuid.UUID
	err := tx.QueryRow(ctx, `select workload_id from reviews where id = $1`, id).Scan(&workloadID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Review{}, errNotFound()
	}
	if err != nil {
		return Review{}, fmt.Errorf("read review: %w", err)
	}
	if err := workload.Hold(ctx, tx, workloadID); err != nil {
		return Review{}, err
	}
	return lockForUpdate(ctx, tx, who, id)
}

// lockAndLoad takes the lock in a statement of its own, so that what is read after it was
// committed by whoever held the lock before.
func lockAndLoad(ctx context.Context, tx pgx.Tx, who identity.Actor, id uuid.UUID, lock string) (Review, error) {
	var found uuid.UUID
	err := tx.QueryRow(ctx, lock, id).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		return Review{}, errNotFound()
	}
	if err != nil {
		return Review{}, fmt.Errorf("lock review: %w", err)
	}
	return load(ctx, tx, who, id)
}

func scanReview(row pgx.Row, who identity.Actor) (Review, error) {
	var r Review
	var keys []string
	var versions []uuid.UUID
	var extra []bool
	w, d, a := &r.Workload, &r.Round, &r.Agenda
	err := row.Scan(&r.ID, &r.TypeKey, &r.TypeName, &r.ChangeKey, &r.ChangeTitle, &r.ChangeTicket, &r.State, &r.CorePath,
		&r.GatesLaunch, &r.ValidDays, &r.SignoffsNeeded, &r.Tier, &r.StartedBy, &r.StartedAt, &a.TargetOn, &a.MeetingOn, &a.Attendees, &a.Version,
		&d.ID, &d.Number, &d.State, &d.OpenedAt, &d.Submissions, &d.SubmittedBy, &d.SubmittedAt, &d.ContentSHA256,
		&d.ReturnedNote, &d.ReturnedBy, &w.ID, &w.Key, &w.Name, &w.TeamID, &w.TeamKey, &w.TeamName, &w.Tier, &w.Stage, &w.Restricted, &w.LaunchOn,
		&keys, &versions, &extra, &r.AuthoredByActor)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !who.CanRead(w.Target()) {
		return Review{}, errNotFound()
	}
	if err != nil {
		return Review{}, fmt.Errorf("read review: %w", err)
	}
	for i := range keys {
		r.Pins = append(r.Pins, Pin{Key: keys[i], VersionID: versions[i], Extra: extra[i]})
	}
	return r, nil
}

const answerFields = `
	a.version_id, a.question_id, a.position, a.required, a.chosen, a.unknown, a.not_applicable, a.reason,
	a.na_choices, a.na_reasons, a.notes, a.risk, a.version, coalesce(p.name, ''), a.saved_by, a.saved_at,
	a.to_confirm, a.origin_round, a.origin_version, a.origin_question, coalesce(op.name, ''), o.saved_at,
	coalesce(o.not_applicable or cardinality(o.na_choices) > 0, false), a.drafted_from, a.drafted_as_of`

const answerFrom = `
	from answers a
	left join people p on p.id = a.saved_by
	left join answers o on o.round_id = a.origin_round and o.version_id = a.origin_version and o.question_id = a.origin_question
	left join people op on op.id = o.saved_by`

// answersSQL reads every answer of a round in the order of the questions.
const answersSQL = `select` + answerFields + answerFrom + ` where a.round_id = $1 order by a.position`

// answerSQL reads one answer.
const answerSQL = `select` + answerFields + answerFrom + ` where a.round_id = $1 and a.version_id = $2 and a.question_id = $3`

// answerRow is answerFields as they are read.
type answerRow struct {
	a                          Answer
	originRound, originVersion *uuid.UUID
	originQuestion             *string
	origin                     Origin
}

func (r *answerRow) targets() []any {
	a := &r.a
	return []any{
		&a.VersionID, &a.QuestionID, &a.Position, &a.Required, &a.Chosen, &a.Unknown, &a.NotApplicable, &a.Reason,
		&a.NAChoices, &a.NAReasons, &a.Notes, &a.Risk, &a.Version, &a.SavedBy, &a.SavedByID, &a.SavedAt,
		&a.ToConfirm, &r.originRound, &r.originVersion, &r.originQuestion, &r.origin.SavedBy, &r.origin.SavedAt, &r.origin.Flagged,
		&a.Drafted.From, &a.Drafted.AsOf,
	}
}

func (r *answerRow) answer() Answer {
	if r.originRound != nil && r.originVersion != nil && r.originQuestion != nil {
		o := r.origin
		o.RoundID, o.VersionID, o.QuestionID = *r.originRound, *r.originVersion, *r.originQuestion
		r.a.Origin = &o
	}
	return r.a
}

func scanAnswer(row pgx.CollectableRow) (Answer, error) {
	var r answerRow
	err := row.Scan(r.targets()...)
	return r.answer(), err
}

func errNotAsked() error {
	return fault.New(fault.NotFound, "This review does not ask that question.")
}

// lockAnswer reads one answer and locks it.
func lockAnswer(ctx context.Context, tx pgx.Tx, round, version uuid.UUID, question string) (Answer, error) {
	rows, err := tx.Query(ctx, answerSQL+` for update of a`, round, version, question)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAnswer)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, errNotAsked()
	}
	return a, err
}

// putAnswer writes the answer and its revision in one statement. What is saved is confirmed.
func putAnswer(ctx context.Context, tx pgx.Tx, round uuid.UUID, a Answer) error {
	const sql = `
		with saved as (
			update answers set chosen = $4, unknown = $5, not_applicable = $6, reason = $7, na_choices = $8, na_reasons = $9,
				notes = $10, risk = $11, version = $12, saved_by = $13, saved_at = $14, to_confirm = false
			where round_id = $1 and version_id = $2 and question_id = $3
		)
		insert into answer_revisions (round_id, version_id, question_id, chosen, unknown, not_applicable, reason, na_choices,
			na_reasons, notes, risk, version, saved_by, saved_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	_, err := tx.Exec(ctx, sql, round, a.VersionID, a.QuestionID, a.Chosen, a.Unknown, a.NotApplicable, a.Reason,
		a.NAChoices, a.NAReasons, a.Notes, a.Risk, a.Version, a.SavedByID, a.SavedAt)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
