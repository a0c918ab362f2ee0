package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
)

// Assignee is who should answer a question. The zero Assignee is nobody.
type Assignee struct {
	ID   uuid.UUID
	Name string
}

// AssignInput says who should answer which questions of a review.
type AssignInput struct {
	ReviewID uuid.UUID
	Keys     []string // of questions, "set/question", or of whole sections, "section:set/section"
	PersonID string   // empty: nobody
}

// SectionKey names a whole section in an AssignInput.
func SectionKey(set, section string) string { return "section:" + set + "/" + section }

// Assign gives the questions to a person, or takes them back, and returns how many they are.
// The owning team may, while the round is a draft; the person must be one who may answer.
// What is assigned stands in the next rounds of the review too. Invalid on "person" and
// "question"; not found when the review does not ask one of them.
func (s *Service) Assign(ctx context.Context, who identity.Actor, in AssignInput) (int, error) {
	var keys []string
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		r, err := lockForShare(ctx, tx, who, in.ReviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.AnswerReview, r.Target()); err != nil {
			return err
		}
		if r.Round.State != Draft {
			return fault.New(fault.Conflict, "%s", frozen[r.Round.State])
		}
		person, err := assigneeOf(ctx, tx, r, in.PersonID)
		if err != nil {
			return err
		}
		if keys, err = s.assignedKeys(ctx, tx, r, in.Keys); err != nil {
			return err
		}
		at := s.now()
		if err := putAssignments(ctx, tx, r.ID, keys, person, who.PersonID, at); err != nil {
			return err
		}
		to := "nobody"
		if person != uuid.Nil {
			to = person.String()
		}
		return record(ctx, tx, who, "answers.assigned", r, at,
			audit.Detail{Name: "person", Value: to}, audit.Detail{Name: "questions", Value: strings.Join(keys, " ")})
	})
	if err != nil {
		return 0, fmt.Errorf("assign questions: %w", err)
	}
	return len(keys), nil
}

// assigneeOf checks the person: active, and in the team that answers. Empty is nobody.
func assigneeOf(ctx context.Context, tx pgx.Tx, r Review, typed string) (uuid.UUID, error) {
	if typed == "" {
		return uuid.Nil, nil
	}
	refusal := fault.InvalidField("person", "Choose a person from the list: somebody of %s.", r.Workload.TeamName)
	id, err := uuid.Parse(typed)
	if err != nil {
		return uuid.Nil, refusal
	}
	people, err := identity.PeopleOfTeam(ctx, tx, r.Workload.TeamID)
	if err != nil {
		return uuid.Nil, err
	}
	if !slices.ContainsFunc(people, func(p identity.Ref) bool { return p.ID == id }) {
		return uuid.Nil, refusal
	}
	return id, nil
}

// assignedKeys resolves sections into their questions and checks that each is asked.
func (s *Service) assignedKeys(ctx context.Context, tx pgx.Tx, r Review, named []string) ([]string, error) {
	sheet, err := s.sheet(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	asked := map[string][]string{}
	for i := range sheet.Sections {
		section := &sheet.Sections[i]
		whole := SectionKey(section.Questionnaire, section.ID)
		for j := range section.Entries {
			key := section.Entries[j].Key()
			asked[key], asked[whole] = []string{key}, append(asked[whole], key)
		}
	}
	var keys []string
	for _, name := range named {
		found, ok := asked[name]
		if !ok {
			return nil, errNotAsked()
		}
		keys = append(keys, found...)
	}
	if len(keys) == 0 {
		return nil, fault.InvalidField("question", "Select at least one question or section.")
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func putAssignments(ctx context.Context, tx pgx.Tx, review uuid.UUID, keys []string, person, by uuid.UUID, at time.Time) error {
	sets, questions := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		sets[i], questions[i], _ = strings.Cut(key, "/")
	}
	var err error
	if person == uuid.Nil {
		const sql = `
			delete from answer_assignments where review_id = $1
				and (questionnaire_key, question_id) in (select * from unnest($2::text[], $3::text[]))`
		_, err = tx.Exec(ctx, sql, review, sets, questions)
	} else {
		const sql = `
			insert into answer_assignments (review_id, questionnaire_key, question_id, person_id, assigned_by, assigned_at)
			select $1, k.set, k.question, $4, $5, $6 from unnest($2::text[], $3::text[]) as k(set, question)
			on conflict (review_id, questionnaire_key, question_id) do update
				set person_id = excluded.person_id, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at`
		_, err = tx.Exec(ctx, sql, review, sets, questions, person, by, at)
	}
	if err != nil {
		return fmt.Errorf("write assignments: %w", err)
	}
	return nil
}

// assigned is one row of who should answer what.
type assigned struct {
	Key      string
	PersonID uuid.UUID
	Person   string
}

// assignedSQL leaves out who may not answer any more: deactivated, or no longer in the team.
const assignedSQL = `
	select x.questionnaire_key || '/' || x.question_id, p.id, p.name
	from answer_assignments x
	join people p on p.id = x.person_id and p.deactivated_at is null
	join memberships m on m.person_id = p.id and m.team_id = $2
	where x.review_id = $1`

// queueAssigned adds to the batch who should answer what, by the keys of questions.
func queueAssigned(batch *pgx.Batch, r Review, into map[string]Assignee) {
	batch.Queue(assignedSQL, r.ID, r.Workload.TeamID).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[assigned])
		for _, a := range list {
			into[a.Key] = Assignee{ID: a.PersonID, Name: a.Person}
		}
		return err
	})
}

// savedHereSQL names the answers that were saved in the round itself, not before it.
const savedHereSQL = `select distinct version_id, question_id from answer_revisions where round_id = $1`

// answerRef names an answer of a round.
type answerRef struct {
	VersionID  uuid.UUID
	QuestionID string
}

// queueSavedHere adds to the batch which answers of a later round were saved in it.
func queueSavedHere(batch *pgx.Batch, r Review, into *[]answerRef) {
	if r.Round.Number > 1 {
		postgres.Collect(batch, into, pgx.RowToStructByPos[answerRef], savedHereSQL, r.Round.ID)
	}
}
