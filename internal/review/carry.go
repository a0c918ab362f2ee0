package review

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// keptFor is how long an answer stays confirmed in the next round of its review.
const keptFor = 30 * 24 * time.Hour

// Past is what was answered before, by Entry.Key: the newest sealed answer of each question.
type Past map[string]PastAnswer

// PastAnswer is a sealed answer that may be carried.
type PastAnswer struct {
	RoundID   uuid.UUID
	DecidedAt time.Time
	answer    Answer
}

// Newest is when the newest of them was decided.
func (p Past) Newest() (newest time.Time) {
	for _, one := range p {
		if one.DecidedAt.After(newest) {
			newest = one.DecidedAt
		}
	}
	return newest
}

const pastFields = `v.questionnaire_key, a.round_id, c.decided_at, ` + answerFields + answerFrom + `
	join questionnaire_versions v on v.id = a.version_id
	join rounds d on d.id = a.round_id and d.state = 'sealed'
	join decisions c on c.round_id = d.id
	join reviews r on r.id = d.review_id`

// unseenDraft is an answer that was taken from the Well-Architected Tool and that nobody
// confirmed: nobody gave it, so that it is not carried.
const unseenDraft = `(a.to_confirm and a.drafted_from <> '')`

// PastOf reads what earlier rounds of the workload answered: of each question the newest
// sealed answer, that of the same subject first. It does not authorise: it is called for a
// workload that was loaded for the reader.
func (s *Service) PastOf(ctx context.Context, w workload.Workload, changeKey string) (Past, error) {
	return pastOf(ctx, s.db, w.ID, changeKey)
}

func pastOf(ctx context.Context, q postgres.Querier, workloadID uuid.UUID, changeKey string) (Past, error) {
	return readPast(ctx, q, `select distinct on (v.questionnaire_key, a.question_id) `+pastFields+`
		where r.workload_id = $1 and a.risk <> 'unanswered' and not `+unseenDraft+`
		order by v.questionnaire_key, a.question_id, (lower(r.change_key) = lower($2)) desc, c.decided_at desc`, workloadID, changeKey)
}

func readPast(ctx context.Context, q postgres.Querier, sql string, args ...any) (Past, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read earlier answers: %w", err)
	}
	past := Past{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		var set string
		var one PastAnswer
		var a answerRow
		err := row.Scan(append([]any{&set, &one.RoundID, &one.DecidedAt}, a.targets()...)...)
		one.answer = a.answer()
		past[set+"/"+one.answer.QuestionID] = one
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("read earlier answers: %w", err)
	}
	return past, nil
}

// Source is a decided review of another workload whose answers a new review may inherit.
type Source struct {
	ReviewID     uuid.UUID
	WorkloadName string
	TeamName     string
	TypeName     string
	ChangeKey    string
	DecidedAt    time.Time
}

const sourceSQL = `
	select r.id as review_id, w.name as workload_name, t.name as team_name, y.name as type_name, r.change_key, c.decided_at
	from reviews r
	join workloads w on w.id = r.workload_id and not w.restricted
	join teams t on t.id = w.team_id
	join review_types y on y.key = r.type_key
	join lateral (select c.* from rounds d join decisions c on c.round_id = d.id where d.review_id = r.id order by d.number desc limit 1) c
		on c.outcome in ('go', 'conditional') and not exists (select from revocations v where v.decision_id = c.id)
	where r.workload_id <> $1 and r.state <> 'cancelled'`

// Sources lists the newest fifty reviews whose answers a review of the workload may inherit:
// of another workload that is not restricted, decided as go or conditional go. What a
// restricted workload answered stays there.
func (s *Service) Sources(ctx context.Context, workloadID uuid.UUID) ([]Source, error) {
	rows, err := s.db.Query(ctx, sourceSQL+` order by c.decided_at desc, r.id limit 50`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list reviews to inherit from: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Source])
}

// inherited reads the answers of the review's newest sealed round: Invalid when it is none
// that the workload may inherit from.
func inherited(ctx context.Context, q postgres.Querier, w workload.Workload, id uuid.UUID) (Past, error) {
	var found bool
	if err := q.QueryRow(ctx, `select exists (`+sourceSQL+` and r.id = $2)`, w.ID, id).Scan(&found); err != nil {
		return nil, fmt.Errorf("find review to inherit from: %w", err)
	}
	if !found {
		return nil, fault.InvalidField("inherit_from", "Choose a decided review from the list.")
	}
	return readPast(ctx, q, `select `+pastFields+`
		where d.review_id = $1 and a.risk <> 'unanswered' and not `+unseenDraft+` and d.number = (select max(x.number) from rounds x where x.review_id = $1 and x.state = 'sealed')`, id)
}

// carry returns what a question's row begins with when an earlier answer is carried: the
// ticks, to be confirmed, at the risk that the question gives them now. Not-applicable flags
// and notes stay behind: people see them beside the question and take them over knowingly.
func carry(q *questionnaire.Question, old Answer, from Origin) Answer {
	a := blank(q.ID)
	for i := range q.Choices {
		if id := q.Choices[i].ID; old.Has(id) {
			a.Chosen = append(a.Chosen, id)
		}
	}
	a.Unknown = old.Unknown
	a.Risk = q.Score(a.Selection())
	a.ToConfirm = a.Risk != questionnaire.RiskUnanswered
	a.Origin = &from
	return a
}

// blank is an answer that nobody gave.
func blank(question string) Answer {
	return Answer{QuestionID: question, Required: true, Chosen: []string{}, NAChoices: []string{}, NAReasons: []string{}, Risk: questionnaire.RiskUnanswered}
}

// origin names where an answer of a round comes from when it is carried on: itself, or what
// it was carried from when nobody saved it since. Nil when nothing was ever said.
func (a Answer) origin(round uuid.UUID) *Origin {
	if a.Version == 0 {
		return a.Origin
	}
	return &Origin{RoundID: round, VersionID: a.VersionID, QuestionID: a.QuestionID}
}

// insertAnswers writes the rows that a round begins with.
func insertAnswers(ctx context.Context, tx pgx.Tx, round uuid.UUID, list []Answer) error {
	columns := []string{
		"round_id", "version_id", "question_id", "position", "required", "chosen", "unknown", "not_applicable", "reason", "na_choices", "na_reasons",
		"notes", "risk", "version", "saved_by", "saved_at", "to_confirm", "origin_round", "origin_version", "origin_question", "drafted_from", "drafted_as_of",
	}
	rows := make([][]any, 0, len(list))
	for i, a := range list {
		row := []any{
			round, a.VersionID, a.QuestionID, i, a.Required, a.Chosen, a.Unknown, a.NotApplicable, a.Reason, a.NAChoices, a.NAReasons,
			a.Notes, a.Risk, a.Version, a.SavedByID, a.SavedAt, a.ToConfirm, nil, nil, nil, a.Drafted.From, a.Drafted.AsOf,
		}
		if o := a.Origin; o != nil {
			row[17], row[18], row[19] = o.RoundID, o.VersionID, o.QuestionID
		}
		rows = append(rows, row)
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"answers"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("insert answers: %w", err)
	}
	return nil
}

// answersOf reads every answer of a round in the order of the questions.
func answersOf(ctx context.Context, q postgres.Querier, round uuid.UUID) ([]Answer, error) {
	rows, err := q.Query(ctx, answersSQL, round)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	return pgx.CollectRows(rows, scanAnswer)
}

// insertRound writes a new draft round of the review.
func insertRound(ctx context.Context, tx pgx.Tx, review uuid.UUID, number int, now time.Time) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	const sql = `insert into rounds (id, review_id, number, state, opened_at) values ($1, $2, $3, 'draft', $4)`
	if _, err := tx.Exec(ctx, sql, id, review, number, now); err != nil {
		return id, fmt.Errorf("insert round: %w", err)
	}
	return id, nil
}

// nextRound opens the round after one that was decided against. Answers younger than 30 days
// are kept as they were, by whom and when; older ones are carried to be confirmed. Who wrote
// one stays its author.
func (s *Service) nextRound(ctx context.Context, tx pgx.Tx, r Review, now time.Time) error {
	answers, err := answersOf(ctx, tx, r.Round.ID)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if a.SavedAt == nil || now.Sub(*a.SavedAt) < keptFor {
			answers[i].Version = min(a.Version, 1)
			continue
		}
		set, err := s.library.Version(ctx, tx, a.VersionID)
		if err != nil {
			return err
		}
		question, ok := set.Question(a.QuestionID)
		if !ok {
			return fault.New(fault.Internal, "The question %s is missing from its version.", a.QuestionID)
		}
		answers[i] = carry(question, a, *a.origin(r.Round.ID))
		answers[i].VersionID, answers[i].Required = a.VersionID, a.Required
	}
	id, err := insertRound(ctx, tx, r.ID, r.Round.Number+1, now)
	if err != nil {
		return err
	}
	return insertAnswers(ctx, tx, id, answers)
}

// Before is the earlier answer that an answer was carried from, for people who may read it.
type Before struct {
	Answer
	Question *questionnaire.Question // as it was asked then
	Set      string                  // name of the set
	Number   string                  // version of the set
	Workload string                  // empty: the same
	Team     string
	Hidden   bool // it is of a workload that the reader may not see: nothing of it is told
}

// before reads where an answer of the review was carried from.
func (s *Service) before(ctx context.Context, q postgres.Querier, who identity.Actor, r Review, o Origin) (*Before, error) {
	rows, err := q.Query(ctx, answerSQL, o.RoundID, o.VersionID, o.QuestionID)
	if err != nil {
		return nil, fmt.Errorf("read earlier answer: %w", err)
	}
	b := &Before{}
	if b.Answer, err = pgx.CollectExactlyOneRow(rows, scanAnswer); err != nil {
		return nil, fmt.Errorf("read earlier answer: %w", err)
	}
	var of uuid.UUID
	err = q.QueryRow(ctx, `select r.workload_id from rounds d join reviews r on r.id = d.review_id where d.id = $1`, o.RoundID).Scan(&of)
	if err != nil {
		return nil, fmt.Errorf("read earlier answer: %w", err)
	}
	if of != r.Workload.ID {
		w, err := workload.Load(ctx, q, who, of)
		if fault.Is(err, fault.NotFound) {
			return &Before{Hidden: true}, nil
		}
		if err != nil {
			return nil, err
		}
		b.Workload, b.Team = w.Name, w.TeamName
	}
	set, err := s.library.Version(ctx, q, o.VersionID)
	if err != nil {
		return nil, err
	}
	var ok bool
	if b.Question, ok = set.Question(o.QuestionID); !ok {
		return nil, errors.New("the earlier question is missing from its version")
	}
	b.Set, b.Number = set.Name, set.Version
	return b, nil
}
