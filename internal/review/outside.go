package review

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/text"
	"orrery/internal/workload"
)

const (
	maxOutsideDays = 1100
	maxOutsideFile = 10 << 20
)

// The words of an approver on a decision made elsewhere.
const (
	Confirmed = "confirmed"
	Refused   = "refused"
)

// OutsideDecision is a decision made before Orrery, as somebody recorded it. It counts once
// an approver who did not record it has confirmed it, and while nobody has refused it.
type OutsideDecision struct {
	ID         uuid.UUID
	Outcome    string // Go, Conditional
	DecidedOn  time.Time
	DecidedBy  string // a name, as it was written down
	ValidUntil time.Time
	Link       string
	Note       string
	FileName   string // empty: there is no file
	FileSize   int
	RecordedBy string
	RecorderID uuid.UUID
	RecordedAt time.Time
	Verdicts   []OutsideVerdict // in the order they were given
}

// OutsideVerdict is an approver's word on a decision made elsewhere.
type OutsideVerdict struct {
	OutsideID uuid.UUID
	Verdict   string // Confirmed, Refused
	Note      string
	GivenBy   string
	GivenAt   time.Time
}

// Verdict is the word that counts: Refused before Confirmed, empty while nobody gave one.
func (o OutsideDecision) Verdict() (word string) {
	for _, v := range o.Verdicts {
		if word != Refused {
			word = v.Verdict
		}
	}
	return word
}

// OutsideInput is a decision made elsewhere, as it is written down. A file or a link must
// show it.
type OutsideInput struct {
	Outcome    string
	DecidedOn  string // 2006-01-02
	DecidedBy  string
	ValidUntil string // 2006-01-02
	Link       string
	Note       string
	FileName   string
	File       []byte
}

// outside is a checked OutsideInput.
type outside struct {
	OutsideDecision
	fileType string
	file     []byte
	sum      []byte
}

func (in OutsideInput) check(now time.Time) (outside, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	o := outside{OutsideDecision: OutsideDecision{
		ID: uuid.Must(uuid.NewV7()), Outcome: in.Outcome, DecidedBy: text.Line(in.DecidedBy), Link: text.Line(in.Link), Note: text.Clean(in.Note),
	}}
	if in.Outcome != Go && in.Outcome != Conditional {
		add("outcome", "Choose go or conditional go. A no-go that was made elsewhere needs no record: the gate holds without it.")
	}
	if n := utf8.RuneCountInString(o.DecidedBy); n == 0 || n > 200 {
		add("decided_by", "Write who decided, in at most 200 characters.")
	}
	if utf8.RuneCountInString(o.Note) > maxNote {
		add("note", "Keep the note under 4,000 characters.")
	}
	bad = append(bad, o.dates(in, now)...)
	bad = append(bad, o.proof(in)...)
	return o, fault.InvalidFields(bad...)
}

// dates reads the two days.
func (o *outside) dates(in OutsideInput, now time.Time) (bad []fault.Field) {
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	today := now.UTC().Truncate(24 * time.Hour)
	const form = "Write the date as year-month-day, for example 2026-11-30."
	var err, errEnd error
	o.DecidedOn, err = time.Parse(time.DateOnly, in.DecidedOn)
	o.ValidUntil, errEnd = time.Parse(time.DateOnly, in.ValidUntil)
	switch {
	case err != nil || o.DecidedOn.Year() < 2000:
		add("decided_on", form)
	case o.DecidedOn.After(today):
		add("decided_on", "The day of the decision is ahead. Only what was decided already is recorded.")
	}
	switch {
	case errEnd != nil || o.ValidUntil.Year() > 2200:
		add("valid_until", form)
	case o.ValidUntil.Before(today) || !o.ValidUntil.After(o.DecidedOn):
		add("valid_until", "The decision must end after today and after the day it was made: one that is over lets nothing launch.")
	case err == nil && o.ValidUntil.After(o.DecidedOn.AddDate(0, 0, maxOutsideDays)):
		add("valid_until", "A decision stands for 1,100 days at most.")
	}
	return bad
}

// proof reads the file and the link, one of which must be there.
func (o *outside) proof(in OutsideInput) (bad []fault.Field) {
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	if u, err := url.Parse(o.Link); o.Link != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || utf8.RuneCountInString(o.Link) > 500) {
		add("link", "Write an address that begins with https://.")
	}
	if len(in.File) == 0 {
		if o.Link == "" {
			add("file", "Give a file or a link that shows the decision.")
		}
		return bad
	}
	o.fileType = typeOf(in.File)
	switch {
	case len(in.File) > maxOutsideFile:
		add("file", "Keep the file under 10 MB.")
	case o.fileType == "":
		add("file", "Give a PDF, PNG or JPEG file.")
	}
	sum := sha256.Sum256(in.File)
	o.file, o.sum = in.File, sum[:]
	if o.FileName = text.Line(in.FileName); o.FileName == "" {
		o.FileName = "decision"
	}
	if runes := []rune(o.FileName); len(runes) > 200 {
		o.FileName = string(runes[len(runes)-200:])
	}
	return bad
}

// typeOf tells the media type by the first bytes; empty for what is not taken.
func typeOf(file []byte) string {
	switch {
	case bytes.HasPrefix(file, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return ""
}

// RecordOutside writes down a decision on the workload that was made before Orrery. The
// owning team and admins may. It counts once it is confirmed. A conflict when Orrery has
// decided on the workload already, for a newer decision governs whatever is written down, or
// when the workload is retired. The
// same decision that the same person recorded within the last minute is one sent twice: its
// id is returned and nothing is written.
func (s *Service) RecordOutside(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in OutsideInput) (uuid.UUID, error) {
	now := s.now()
	var id uuid.UUID
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := workload.Held(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := who.May(identity.RecordElsewhere, w.Target()); err != nil {
			return err
		}
		o, err := in.check(now)
		if err != nil {
			return err
		}
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired, and what is retired launches no more. Bring it back to record a decision on it.")
		}
		if err := undecided(ctx, tx, w.ID); err != nil {
			return err
		}
		if id, err = recordedTwice(ctx, tx, who, w.ID, o, now); err != nil || id != uuid.Nil {
			return err
		}
		const sql = `
			insert into outside_decisions (id, workload_id, outcome, decided_on, decided_by, valid_until, link, note, file_name, file_type,
				file, file_sha256, recorded_by, recorded_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
		_, err = tx.Exec(ctx, sql, o.ID, w.ID, o.Outcome, o.DecidedOn, o.DecidedBy, o.ValidUntil, o.Link, o.Note, o.FileName, o.fileType,
			o.file, o.sum, who.PersonID, now)
		if err != nil {
			return fmt.Errorf("insert outside decision: %w", err)
		}
		id = o.ID
		return recordOutside(ctx, tx, who, "recorded", w, o.ID, now, audit.Detail{Name: "outcome", Value: o.Outcome},
			audit.Detail{Name: "file_sha256", Value: fmt.Sprintf("%x", o.sum)})
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("record outside decision: %w", err)
	}
	return id, nil
}

func recordOutside(ctx context.Context, tx pgx.Tx, who identity.Actor, act string, w workload.Workload, id uuid.UUID, at time.Time, details ...audit.Detail) error {
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: audit.WorkloadStream(w.ID), Verb: "outside_decision." + act, TargetKind: "outside_decision", TargetID: id.String(), At: at, Details: details,
	})
}

// undecided refuses when Orrery has decided on the whole workload.
func undecided(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) error {
	g, err := governingOf(ctx, q, workloadID, "")
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && (g.outcome == "" || strings.HasPrefix(g.outcome, elsewherePrefix)):
		return nil
	case err != nil:
		return fmt.Errorf("read governing decision: %w", err)
	}
	return fault.New(fault.Conflict, "Orrery has decided on this workload already, so a decision made elsewhere would count for nothing.")
}

// JudgeOutside confirms a recorded decision, or refuses it with a note, also after it was
// confirmed. An approver may; nobody confirms what they recorded, and in tier 1 somebody from
// outside the owning team confirms. Each word is given once: a second is a conflict.
func (s *Service) JudgeOutside(ctx context.Context, who identity.Actor, id uuid.UUID, verdict, note string) error {
	now := s.now()
	note = text.Clean(note)
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var workloadID, recorder uuid.UUID
		err := tx.QueryRow(ctx, `select workload_id, recorded_by from outside_decisions where id = $1`, id).Scan(&workloadID, &recorder)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoOutside()
		}
		if err != nil {
			return fmt.Errorf("read outside decision: %w", err)
		}
		w, err := workload.Held(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `select from outside_decisions where id = $1 for update`, id); err != nil {
			return fmt.Errorf("lock outside decision: %w", err)
		}
		if err := mayJudgeOutside(ctx, tx, who, w, recorder, verdict, note); err != nil {
			return err
		}
		const sql = `insert into outside_verdicts (outside_id, verdict, note, given_by, given_at) values ($1, $2, $3, $4, $5)`
		if _, err := tx.Exec(ctx, sql, id, verdict, note, who.PersonID, now); err != nil {
			if postgres.IsUnique(err, "outside_verdicts_pkey") {
				return fault.New(fault.Conflict, "This decision is %s already.", verdict)
			}
			return fmt.Errorf("insert verdict: %w", err)
		}
		return recordOutside(ctx, tx, who, verdict, w, id, now)
	})
	if err != nil {
		return fmt.Errorf("judge outside decision: %w", err)
	}
	return nil
}

func errNoOutside() error {
	return fault.New(fault.NotFound, "There is no such decision made elsewhere.")
}

func mayJudgeOutside(ctx context.Context, q postgres.Querier, who identity.Actor, w workload.Workload, recorder uuid.UUID, verdict, note string) error {
	if err := who.May(identity.Judge, w.Target()); err != nil {
		return err
	}
	switch {
	case verdict == Refused && note == "":
		return fault.InvalidField("note", "Say why it does not count.")
	case utf8.RuneCountInString(note) > maxNote:
		return fault.InvalidField("note", "Keep the note under 4,000 characters.")
	case verdict == Refused:
		return nil
	case verdict != Confirmed:
		return fault.InvalidField("verdict", "Choose whether you confirm it or refuse it.")
	case recorder == who.PersonID:
		return fault.New(fault.Forbidden, "You recorded this decision, so another approver must confirm it.")
	case w.Tier == 1 && who.InTeam(w.TeamID):
		return fault.New(fault.Forbidden, "In tier 1 an approver from outside %s must confirm it.", w.TeamName)
	}
	return undecided(ctx, q, w.ID)
}

const outsideSQL = `
	select o.id, o.outcome, o.decided_on, o.decided_by, o.valid_until, o.link, o.note, o.file_name, coalesce(length(o.file), 0) as file_size,
		p.name as recorded_by, o.recorded_by as recorder_id, o.recorded_at
	from outside_decisions o join people p on p.id = o.recorded_by
	where o.workload_id = $1 order by o.recorded_at desc, o.id desc limit 50`

// OutsideOf lists the decisions on a workload that were made elsewhere, newest first, at most
// fifty. It does not authorise: pages call it for a workload they have loaded for the reader.
func (s *Service) OutsideOf(ctx context.Context, workloadID uuid.UUID) ([]OutsideDecision, error) {
	rows, err := s.db.Query(ctx, outsideSQL, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list outside decisions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[OutsideDecision])
	if err != nil {
		return nil, fmt.Errorf("list outside decisions: %w", err)
	}
	rows, err = s.db.Query(ctx, `
		select v.outside_id, v.verdict, v.note, p.name as given_by, v.given_at
		from outside_verdicts v join people p on p.id = v.given_by join outside_decisions o on o.id = v.outside_id
		where o.workload_id = $1 order by v.given_at, v.verdict`, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list verdicts: %w", err)
	}
	verdicts, err := pgx.CollectRows(rows, pgx.RowToStructByName[OutsideVerdict])
	if err != nil {
		return nil, fmt.Errorf("list verdicts: %w", err)
	}
	for i := range list {
		for _, v := range verdicts {
			if v.OutsideID == list[i].ID {
				list[i].Verdicts = append(list[i].Verdicts, v)
			}
		}
	}
	return list, nil
}

// OutsideFile is the file that shows a decision made elsewhere.
type OutsideFile struct {
	Name string
	Type string // application/pdf, image/png, image/jpeg
	Data []byte
}

// OutsideFile reads the file of a decision made elsewhere. Whoever may read the workload may.
func (s *Service) OutsideFile(ctx context.Context, who identity.Actor, id uuid.UUID) (OutsideFile, error) {
	var f OutsideFile
	var workloadID uuid.UUID
	err := s.db.QueryRow(ctx, `select workload_id, file_name, file_type, file from outside_decisions where id = $1 and file is not null`, id).
		Scan(&workloadID, &f.Name, &f.Type, &f.Data)
	if errors.Is(err, pgx.ErrNoRows) {
		return OutsideFile{}, errNoOutside()
	}
	if err != nil {
		return OutsideFile{}, fmt.Errorf("read file of outside decision: %w", err)
	}
	_, err = workload.Load(ctx, s.db, who, workloadID)
	if fault.Is(err, fault.NotFound) {
		return OutsideFile{}, errNoOutside()
	}
	return f, err
}
