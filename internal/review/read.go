package review

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
)

// QuestionPage is one question of a review with what stands around it.
type QuestionPage struct {
	Review
	Entry     Entry
	Section   *questionnaire.Section
	Rail      []RailEntry // the questions of its section, in order
	Place, Of int         // its place among all questions, from 1
	Previous  string      // paths; empty at the ends
	Next      string
	History   []Revision // newest first, at most 20
	Before    *Before    // the earlier answer it was carried from; nil when there is none

	Tool []ToolSaying // what the Well-Architected Tool says, for whom raw findings are
}

// RailEntry is a question of the same section, as a line.
type RailEntry struct {
	Key       string
	Path      string
	Title     string
	Risk      questionnaire.Risk
	Current   bool
	Mine      bool // assigned to the reader
	ToConfirm bool
}

// Revision is one saved state of an answer.
type Revision struct {
	Version int
	Risk    questionnaire.Risk
	SavedBy string
	SavedAt time.Time
}

// AuthorsAmong tells who of the people saved an answer in the round, or one that it carries on:
// none of them decides it. It does not authorise: pages name who may decide.
func AuthorsAmong(ctx context.Context, q postgres.Querier, round uuid.UUID, people []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `select p from unnest($2::uuid[]) as p where authored($1, p)`, round, people)
	if err != nil {
		return nil, fmt.Errorf("read authors: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// outline is the line of an answer that a rail needs.
type outline struct {
	VersionID  uuid.UUID
	QuestionID string
	Risk       questionnaire.Risk
	ToConfirm  bool
}

// Question reads one question of a review for its page; not found when the review is not
// readable or does not ask it.
func (s *Service) Question(ctx context.Context, who identity.Actor, id uuid.UUID, set, question string) (QuestionPage, error) {
	var page QuestionPage
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return page, err
	}
	page.Review = r
	pin, ok := r.Pin(set)
	if !ok {
		return page, errNotAsked()
	}
	var answers []Answer
	var lines []outline
	verdicts, assignees := map[string]evidence.Verdict{}, map[string]Assignee{}
	batch := &pgx.Batch{}
	postgres.Collect(batch, &answers, scanAnswer, answerSQL, r.Round.ID, pin.VersionID, question)
	postgres.Collect(batch, &lines, pgx.RowToStructByPos[outline], outlineSQL, r.Round.ID)
	postgres.Collect(batch, &page.History, pgx.RowToStructByPos[Revision], historySQL, r.Round.ID, pin.VersionID, question)
	evidence.QueueVerdicts(batch, r.Workload.ID, verdicts)
	tool := evidence.QueueToolAnswers(batch, r.Workload.ID)
	queueAssigned(batch, r, assignees)
	var acceptances []remediation.Acceptance
	remediation.QueueAcceptances(batch, r.Workload.ID, &acceptances)
	if err := s.db.SendBatch(ctx, batch).Close(); err != nil {
		return page, fmt.Errorf("read question: %w", err)
	}
	if len(answers) == 0 {
		return page, errNotAsked()
	}
	if page.Entry, page.Section, err = s.entry(ctx, s.db, r, answers[0], verdicts, s.now()); err != nil {
		return page, err
	}
	page.Entry.Acceptance = remediation.Bearings(acceptances, s.now())[page.Entry.Key()]
	if o := answers[0].Origin; o != nil {
		if page.Before, err = s.before(ctx, s.db, who, r, *o); err != nil {
			return page, err
		}
	}
	if who.CanReadFindings(r.Target()) {
		said, err := tool.Answers(ctx, s.db)
		if err != nil {
			return page, err
		}
		page.Tool = saysOf(page.Entry.Question, said)
	}
	page.Entry.Assignee = assignees[page.Entry.Key()]
	if err := s.around(ctx, &page, lines); err != nil {
		return page, err
	}
	for i := range page.Rail {
		page.Rail[i].Mine = who.PersonID != uuid.Nil && assignees[page.Rail[i].Key].ID == who.PersonID
	}
	return page, nil
}

const outlineSQL = `select version_id, question_id, risk, to_confirm from answers where round_id = $1 order by position`

const historySQL = `
	select v.version, v.risk, p.name, v.saved_at from answer_revisions v join people p on p.id = v.saved_by
	where v.round_id = $1 and v.version_id = $2 and v.question_id = $3 order by v.version desc limit 20`

// around fills the rail, the neighbours and the place from the lines of all questions.
func (s *Service) around(ctx context.Context, page *QuestionPage, lines []outline) error {
	page.Of = len(lines)
	version := page.Entry.Answer.VersionID
	set, err := s.library.Version(ctx, s.db, version)
	if err != nil {
		return err
	}
	for i, line := range lines {
		if line.VersionID != version {
			continue
		}
		here := line.QuestionID == page.Entry.Question.ID
		if here {
			page.Place = i + 1
			page.Previous, page.Next = neighbour(page.Review, lines, i-1), neighbour(page.Review, lines, i+1)
		}
		if q, ok := set.Question(line.QuestionID); ok && q.Section == page.Entry.Question.Section {
			page.Rail = append(page.Rail, RailEntry{
				Key: page.Entry.Questionnaire + "/" + line.QuestionID, Path: neighbour(page.Review, lines, i), Title: q.Title, Risk: line.Risk,
				Current: here, ToConfirm: line.ToConfirm,
			})
		}
	}
	return nil
}

// neighbour is the path of the i-th question, empty beyond the ends.
func neighbour(r Review, lines []outline, i int) string {
	if i < 0 || i >= len(lines) {
		return ""
	}
	return r.Path() + "/q/" + r.pinOf(lines[i].VersionID).Key + "/" + lines[i].QuestionID
}

// Line is a review in a list.
type Line struct {
	ID           uuid.UUID
	WorkloadKey  string
	WorkloadName string
	TypeName     string
	ChangeKey    string
	State        string
	Round        int
	RoundState   string
	Outcome      string // of the newest decision, or Revoked; empty when there is none
	ValidUntil   *time.Time
	StartedAt    time.Time
}

// OfWorkload lists the reviews of a workload, newest first. It does not authorise: pages
// call it for a workload they have loaded for the reader.
func (s *Service) OfWorkload(ctx context.Context, workloadID uuid.UUID) ([]Line, error) {
	const sql = `
		select r.id, w.key as workload_key, w.name as workload_name, t.name as type_name, r.change_key, r.state, d.number as round,
			d.state as round_state,
			coalesce(c.outcome, '') as outcome, c.valid_until, r.started_at
		from reviews r
		join workloads w on w.id = r.workload_id
		join review_types t on t.key = r.type_key
		cross join lateral (select * from rounds x where x.review_id = r.id order by x.number desc limit 1) d
		left join lateral (
			select case when v.id is null then c.outcome else 'revoked' end as outcome, c.valid_until
			from rounds x join decisions c on c.round_id = x.id left join revocations v on v.decision_id = c.id
			where x.review_id = r.id order by x.number desc limit 1) c on true
		where r.workload_id = $1 order by r.started_at desc, r.id desc limit 100`
	rows, err := s.db.Query(ctx, sql, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Line])
}

// Decision is a sealed outcome.
type Decision struct {
	ID            uuid.UUID
	RoundID       uuid.UUID
	Round         int
	Outcome       string
	Reason        string
	DecidedBy     string
	DecidedAt     time.Time
	ValidUntil    *time.Time
	ContentSHA256 []byte
	SealSHA256    []byte
	Conditions    []Condition
	Revoked       *Revocation // nil while it was not taken back
}

// Condition is one demand of a decision, with its item as it stands now.
type Condition struct {
	DecisionID uuid.UUID
	Text       string
	Timing     string
	DueOn      time.Time
	Owner      string
	ItemID     uuid.UUID
	ItemState  string
}

// RoundLine is a round in the record of a review.
type RoundLine struct {
	Number       int
	State        string
	OpenedAt     time.Time
	SubmittedBy  string
	SubmittedAt  *time.Time
	ReturnedNote string
	ReturnedBy   string
	ReturnedAt   *time.Time
	SignOffs     []SealedSignOff // on what was decided
	Decision     *Decision

	SupersededBy string // who upgraded the review, when that ended the round
	SupersededAt *time.Time
	SupersededTo string // the sets and versions it was upgraded to
}

// Record is the history of a review: its rounds, newest first, with their decisions.
type Record struct {
	Review
	Rounds []RoundLine
}

// Record reads the rounds and decisions of a review.
func (s *Service) Record(ctx context.Context, who identity.Actor, id uuid.UUID) (Record, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Record{}, err
	}
	decisions, err := decisionsOf(ctx, s.db, id)
	if err != nil {
		return Record{}, err
	}
	const sql = `
		select d.number, d.state, d.opened_at, coalesce(p.name, ''), d.submitted_at, d.returned_note, coalesce(b.name, ''), d.returned_at,
			(select c.seal from decisions c where c.round_id = d.id), coalesce(u.name, ''), d.superseded_at, d.superseded_to
		from rounds d left join people p on p.id = d.submitted_by left join people b on b.id = d.returned_by left join people u on u.id = d.superseded_by
		where d.review_id = $1 order by d.number desc`
	rows, err := s.db.Query(ctx, sql, id)
	if err != nil {
		return Record{}, fmt.Errorf("read rounds: %w", err)
	}
	rec := Record{Review: r}
	rec.Rounds, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (RoundLine, error) {
		var l RoundLine
		var sealed []byte
		err := row.Scan(&l.Number, &l.State, &l.OpenedAt, &l.SubmittedBy, &l.SubmittedAt, &l.ReturnedNote, &l.ReturnedBy, &l.ReturnedAt, &sealed,
			&l.SupersededBy, &l.SupersededAt, &l.SupersededTo)
		if err == nil && sealed != nil {
			var seal Seal
			err = json.Unmarshal(sealed, &seal)
			l.SignOffs = seal.SignOffs
		}
		l.Decision = decisions[l.Number]
		return l, err
	})
	if err != nil {
		return Record{}, fmt.Errorf("read rounds: %w", err)
	}
	return rec, nil
}

// decisionsOf reads the decisions of a review by round number.
func decisionsOf(ctx context.Context, q postgres.Querier, review uuid.UUID) (map[int]*Decision, error) {
	rows, err := q.Query(ctx, `
		select c.id, c.round_id, d.number as round, c.outcome, c.reason, p.name as decided_by, c.decided_at, c.valid_until, c.content_sha256, c.seal_sha256
		from decisions c join rounds d on d.id = c.round_id join people p on p.id = c.decided_by where d.review_id = $1`, review)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[Decision])
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	conditions, err := q.Query(ctx, `
		select n.decision_id, n.text, n.timing, n.due_on, p.name as owner, n.item_id, i.state as item_state
		from conditions n join people p on p.id = n.owner_id join items i on i.id = n.item_id
		join decisions c on c.id = n.decision_id join rounds d on d.id = c.round_id where d.review_id = $1 order by n.position`, review)
	if err != nil {
		return nil, fmt.Errorf("read conditions: %w", err)
	}
	all, err := pgx.CollectRows(conditions, pgx.RowToStructByName[Condition])
	if err != nil {
		return nil, fmt.Errorf("read conditions: %w", err)
	}
	taken, err := revocationsOf(ctx, q, review)
	if err != nil {
		return nil, err
	}
	byRound := map[int]*Decision{}
	for i := range list {
		d := &list[i]
		for _, c := range all {
			if c.DecisionID == d.ID {
				d.Conditions = append(d.Conditions, c)
			}
		}
		if v, ok := taken[d.ID]; ok {
			d.Revoked = &v
		}
		byRound[d.Round] = d
	}
	return byRound, nil
}

// draftPaper fills the paper from the answers as they stand.
func (s *Service) draftPaper(ctx context.Context, r Review, p *Paper) error {
	sheet, err := s.sheet(ctx, s.db, r)
	if err != nil {
		return err
	}
	sheet.Round.Submissions, sheet.Round.SubmittedBy, sheet.Round.SubmittedAt = 0, "", nil
	if p.Snapshot, err = s.snapshot(ctx, s.db, sheet); err != nil {
		return err
	}
	return s.openPaper(ctx, r, r.Round.ID, nil, p)
}

// openPaper adds the voices and items of a round that is not sealed.
func (s *Service) openPaper(ctx context.Context, r Review, round uuid.UUID, content []byte, p *Paper) error {
	voices, err := signOffsOf(ctx, s.db, round, content)
	if err != nil {
		return err
	}
	for _, v := range voices {
		p.SignOffs = append(p.SignOffs, sealedVoice(v))
	}
	items, err := remediation.OfWorkload(ctx, s.db, r.Workload.ID)
	p.Items = sealedItems(items)
	return err
}

// Frozen is a frozen round as it was hashed: the exact bytes of its content and, once
// decided, of its seal with the signature over both hashes. Verify checks it.
type Frozen struct {
	Name          string            `json:"name"`
	Content       json.RawMessage   `json:"content"`
	ContentSHA256 string            `json:"content_sha256"`
	Seal          json.RawMessage   `json:"seal,omitempty"`
	SealSHA256    string            `json:"seal_sha256,omitempty"`
	Checkpoint    *SignedCheckpoint `json:"checkpoint,omitempty"`
	Afterwards    *Afterwards       `json:"afterwards,omitempty"`
}

// Afterwards is what became of a frozen round until its file was made. It stands beside what
// was sealed, and no hash covers it.
type Afterwards struct {
	Is     string `json:"is"` // Revoked, Superseded
	By     string `json:"by"`
	At     string `json:"at"`
	Reason string `json:"reason,omitempty"` // of a revocation
}

// Frozen reads the frozen bytes of a round, of the newest one when number is 0. Not found
// when there is no such round; a draft has none, which is a conflict.
func (s *Service) Frozen(ctx context.Context, who identity.Actor, id uuid.UUID, number int) (Frozen, error) {
	r, err := load(ctx, s.db, who, id)
	if err != nil {
		return Frozen{}, err
	}
	if number == 0 {
		number = r.Round.Number
	}
	var f Frozen
	var content, sum, seal, sealSum, signed, signature []byte
	var after Afterwards
	var at *time.Time
	err = s.db.QueryRow(ctx, `
		select d.content, d.content_sha256, c.seal, c.seal_sha256, k.signed, k.signature,
			case when v.id is not null then 'revoked' else 'superseded' end, coalesce(p.name, ''), coalesce(v.revoked_at, d.superseded_at), coalesce(v.reason, '')
		from rounds d left join decisions c on c.round_id = d.id left join checkpoints k on k.decision_id = c.id
		left join revocations v on v.decision_id = c.id left join people p on p.id = coalesce(v.revoked_by, d.superseded_by)
		where d.review_id = $1 and d.number = $2 and d.state in ('submitted', 'sealed', 'superseded')`, id, number).
		Scan(&content, &sum, &seal, &sealSum, &signed, &signature, &after.Is, &after.By, &at, &after.Reason)
	if errors.Is(err, pgx.ErrNoRows) {
		if number < 1 || number > r.Round.Number {
			return f, fault.New(fault.NotFound, "This review has no such round.")
		}
		return f, fault.New(fault.Conflict, "This round was never frozen, so it has no JSON record: that is there from its submission on. PDF and CSV show a draft as it stands.")
	}
	if err != nil {
		return f, fmt.Errorf("read frozen round: %w", err)
	}
	f.Name = fmt.Sprintf("%s-%s-round-%d", r.Workload.Key, r.TypeKey, number)
	f.Content, f.ContentSHA256, f.Seal = content, hex.EncodeToString(sum), seal
	if seal != nil {
		f.SealSHA256 = hex.EncodeToString(sealSum)
	}
	if signed != nil {
		f.Checkpoint = &SignedCheckpoint{Signed: signed, Signature: hex.EncodeToString(signature)}
	}
	if at != nil {
		after.At = instant(*at)
		f.Afterwards = &after
	}
	return f, nil
}

// Latest returns the newest decision of a review, nil when there is none. It does not
// authorise: pages call it for a review they have loaded for the reader.
func (s *Service) Latest(ctx context.Context, r Review) (*Decision, error) {
	if r.Round.Number == 1 && r.Round.State != Sealed {
		return nil, nil // no round was decided yet
	}
	decisions, err := decisionsOf(ctx, s.db, r.ID)
	if err != nil {
		return nil, err
	}
	for n := r.Round.Number; n > 0; n-- {
		if d := decisions[n]; d != nil {
			return d, nil
		}
	}
	return nil, nil
}
