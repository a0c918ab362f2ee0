package review

import (
	"context"
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

const maxEmergency = 14 * 24 * time.Hour

// EmergencyGo lets a subject launch before its review is done, until its end.
type EmergencyGo struct {
	ID            uuid.UUID
	ReviewID      uuid.UUID // the full review that follows
	ChangeKey     string    // empty: the whole workload
	Reason        string
	Ticket        string
	DecidedBy     string
	DecidedAt     time.Time
	EndsAt        time.Time
	RevokedBy     string
	RevokedReason string
	RevokedAt     *time.Time
	FollowedAt    *time.Time // when a later decision, or the end of one, took its place
}

// Running reports whether its end is ahead, nobody ended it, and no later act governs.
func (e EmergencyGo) Running(now time.Time) bool {
	return e.RevokedAt == nil && e.FollowedAt == nil && now.Before(e.EndsAt)
}

// EmergencyInput asks for an emergency go. An empty ChangeKey means the whole workload; the
// title is needed when the change was never reviewed.
type EmergencyInput struct {
	ChangeKey   string
	ChangeTitle string
	Reason      string
	Ticket      string // https
	EndsOn      string // 2006-01-02: until the end of this day in UTC, and 14 days at most
}

// emergency is a checked EmergencyInput.
type emergency struct {
	change, title, reason, ticket string
	endsAt                        time.Time
}

func (in EmergencyInput) check(now time.Time) (emergency, error) {
	var bad []fault.Field
	add := func(name, message string) { bad = append(bad, fault.Field{Name: name, Message: message}) }
	e := emergency{change: strings.TrimSpace(in.ChangeKey), title: text.Line(in.ChangeTitle), ticket: text.Line(in.Ticket)}
	e.reason, bad = checkReason(in.Reason, "Say what cannot wait for the review, so that others can follow it later.", maxWhy)
	if !changeKeyForm.MatchString(e.change) {
		add("change_key", "Write the change's key with letters, digits and . _ / - only, for example CHG-4471.")
	}
	if utf8.RuneCountInString(e.title) > 200 {
		add("change_title", "Keep the title under 200 characters.")
	}
	if u, err := url.Parse(e.ticket); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Contains(e.ticket, " ") || utf8.RuneCountInString(e.ticket) > 500 {
		add("ticket", "Write the address of the ticket, beginning with https://.")
	}
	end, err := time.Parse(time.DateOnly, in.EndsOn)
	last := now.Add(maxEmergency)
	switch {
	case err != nil:
		add("ends_on", "Write the last day as year-month-day, for example 2026-11-30.")
	case end.Before(now.UTC().Truncate(24 * time.Hour)):
		add("ends_on", "The last day is in the past.")
	case end.After(last):
		add("ends_on", "An emergency go ends within 14 days: on "+last.UTC().Format("2 January 2006")+" at the latest.")
	}
	e.endsAt = end.Add(24*time.Hour - time.Second)
	if e.endsAt.After(last) {
		e.endsAt = last
	}
	return e, fault.InvalidFields(bad...)
}

// DecideEmergency lets the workload, or a change on it, launch before its review is done. An
// approver may who is no author of the open round; in tier 1 one from outside the owning team.
// The full review is opened unless one of the subject is open. A conflict when the gate lets
// the subject through already, for a retired workload, and while the review that is open gates
// no launch: no full review can follow beside it.
func (s *Service) DecideEmergency(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in EmergencyInput) (Review, error) {
	now := s.now()
	var id uuid.UUID
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := workload.Hold(ctx, tx, workloadID); err != nil {
			return err
		}
		w, err := workload.Load(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := who.May(identity.Judge, w.Target()); err != nil {
			return err
		}
		e, err := in.check(now)
		if err != nil {
			return err
		}
		r, err := s.fullReview(ctx, tx, who, w, e, now)
		if err != nil {
			return err
		}
		id = r.ID
		if err := s.mayLetThrough(ctx, tx, who, r, e, now); err != nil {
			return err
		}
		const sql = `
			insert into emergency_decisions (id, review_id, reason, ticket, decided_by, decided_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7)`
		emergency := uuid.Must(uuid.NewV7())
		if _, err := tx.Exec(ctx, sql, emergency, r.ID, e.reason, e.ticket, who.PersonID, now, e.endsAt); err != nil {
			return judged(err)
		}
		return record(ctx, tx, who, "emergency.decided", r, now, audit.Detail{Name: "emergency", Value: emergency.String()},
			audit.Detail{Name: "ends_at", Value: instant(e.endsAt)})
	})
	if err != nil {
		return Review{}, fmt.Errorf("decide emergency: %w", err)
	}
	return load(ctx, s.db, who, id)
}

// mayLetThrough checks four eyes, and that there is something to let through.
func (s *Service) mayLetThrough(ctx context.Context, tx pgx.Tx, who identity.Actor, r Review, e emergency, now time.Time) error {
	if r.AuthoredByActor {
		return fault.New(fault.Forbidden, "You saved an answer in the open round, so you may not let it through. Another approver must.")
	}
	if r.Tier == 1 && who.InTeam(r.Workload.TeamID) {
		return fault.New(fault.Forbidden, "In tier 1 an emergency go needs an approver from outside %s.", r.Workload.TeamName)
	}
	gate, err := s.launch(ctx, tx, r.Workload, e.change, now)
	switch {
	case err != nil:
		return err
	case gate.Decision == Emergency && gate.Status == GateConditional:
		return fault.New(fault.Conflict, "An EMERGENCY go of this subject runs already, until %s.", gate.ValidUntil.UTC().Format("2 January 2006, 15:04 UTC"))
	case gate.Status == GateGo || gate.Status == GateConditional:
		return fault.New(fault.Conflict, "The launch gate lets this subject through already, so no emergency go is needed.")
	}
	return nil
}

// fullReview locks the open review of the subject, which must gate its launches, or opens one
// of the type that last gated them, of the type "New service" when none did. The workload is
// held.
func (s *Service) fullReview(ctx context.Context, tx pgx.Tx, who identity.Actor, w workload.Workload, e emergency, now time.Time) (Review, error) {
	if w.Stage == workload.Retired {
		return Review{}, fault.New(fault.Conflict, "This workload is retired. Make it planned or live first.")
	}
	const open = `
		select id from reviews where workload_id = $1 and lower(change_key) = lower($2) and state = 'open'
		order by not gates_launch, started_at, id limit 1 for update`
	var id uuid.UUID
	err := tx.QueryRow(ctx, open, w.ID, e.change).Scan(&id)
	if err == nil {
		r, err := load(ctx, tx, who, id)
		if err == nil && !r.GatesLaunch {
			err = fault.New(fault.Conflict, "A review of the type \"%s\" is open for this subject, and it gates no launch, so an emergency go would never be followed by a decision. Finish or cancel that review first: then the full one is opened with the emergency go.", r.TypeName)
		}
		return r, err
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return Review{}, fmt.Errorf("look for the open review: %w", err)
	}
	if e.change != "" && e.title == "" {
		return Review{}, fault.InvalidField("change_title", "Say in a few words what changes: the review of this change is opened with it.")
	}
	var key string
	const last = `
		select coalesce((
			select r.type_key from reviews r join review_types t on t.key = r.type_key and not t.retired
			where r.workload_id = $1 and lower(r.change_key) = lower($2) and r.gates_launch order by r.started_at desc, r.id desc limit 1), 'new-service')`
	if err := tx.QueryRow(ctx, last, w.ID, e.change).Scan(&key); err != nil {
		return Review{}, fmt.Errorf("find the review type: %w", err)
	}
	return s.openReview(ctx, tx, who, w, key, e, now)
}

// openReview starts the review that follows an emergency go, on the approver's word.
func (s *Service) openReview(ctx context.Context, tx pgx.Tx, who identity.Actor, w workload.Workload, key string, e emergency, now time.Time) (Review, error) {
	t, err := typeToStart(ctx, tx, key)
	if fault.Is(err, fault.Invalid) {
		return Review{}, fault.New(fault.Conflict, "The review type %q is gone or retired, so the full review cannot be opened. Start a review of another type first.", key)
	}
	if err != nil {
		return Review{}, err
	}
	r := Review{
		ID: uuid.Must(uuid.NewV7()), Workload: w, TypeKey: t.Key, ChangeKey: e.change, ChangeTitle: e.title, CorePath: t.CorePath(w.Tier),
		GatesLaunch: t.GatesLaunch, ValidDays: t.ValidDays, SignoffsNeeded: t.Signoffs[w.Tier-1], Tier: w.Tier,
	}
	if e.change != "" {
		r.ChangeTicket = e.ticket
	}
	if err := insertReview(ctx, tx, r, t, AgendaInput{}, who, now); err != nil {
		return Review{}, err
	}
	if _, err := s.firstRound(ctx, tx, who, r, pins(t, nil), StartInput{CarryOver: true}, now); err != nil {
		return Review{}, err
	}
	if err := record(ctx, tx, who, "review.started", r, now, audit.Detail{Name: "type", Value: t.Key}); err != nil {
		return Review{}, err
	}
	return load(ctx, tx, who, r.ID)
}

// EndEmergency ends a running emergency go with a reason: the gate holds from then on. An
// approver may. A conflict when it does not run, or a later decision governs.
func (s *Service) EndEmergency(ctx context.Context, who identity.Actor, id uuid.UUID, why string) error {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var reviewID uuid.UUID
		var decidedAt time.Time
		err := tx.QueryRow(ctx, `select review_id, decided_at from emergency_decisions where id = $1`, id).Scan(&reviewID, &decidedAt)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.NotFound, "There is no such emergency go.")
		}
		if err != nil {
			return fmt.Errorf("read emergency: %w", err)
		}
		r, err := lockForUpdate(ctx, tx, who, reviewID)
		if err != nil {
			return err
		}
		if err := who.May(identity.Judge, r.Target()); err != nil {
			return err
		}
		gate, err := s.launch(ctx, tx, r.Workload, r.ChangeKey, now)
		if err != nil {
			return err
		}
		if gate.Decision != Emergency || gate.Status != GateConditional || !gate.DecidedAt.Equal(decidedAt) {
			return fault.New(fault.Conflict, "This EMERGENCY go does not run any more.")
		}
		if !now.After(decidedAt) { // by a clock ahead: the end is the later act
			now = decidedAt.Add(time.Microsecond)
		}
		reason, bad := checkReason(why, "Say why the emergency go ends early.", maxWhy)
		if err := fault.InvalidFields(bad...); err != nil {
			return err
		}
		const sql = `insert into emergency_revocations (id, emergency_id, reason, revoked_by, revoked_at) values ($1, $2, $3, $4, $5)`
		if _, err := tx.Exec(ctx, sql, uuid.Must(uuid.NewV7()), id, reason, who.PersonID, now); err != nil {
			if postgres.IsUnique(err, "emergency_revocations_once") {
				return fault.New(fault.Conflict, "This emergency go was ended already.")
			}
			return fmt.Errorf("insert end of emergency: %w", err)
		}
		return record(ctx, tx, who, "emergency.ended", r, now, audit.Detail{Name: "emergency", Value: id.String()})
	})
	if err != nil {
		return fmt.Errorf("end emergency: %w", err)
	}
	return nil
}

// EmergenciesOf lists the emergency gos of a workload, newest first, at most fifty. It does
// not authorise: pages call it for a workload they have loaded for the reader.
func (s *Service) EmergenciesOf(ctx context.Context, workloadID uuid.UUID) ([]EmergencyGo, error) {
	const sql = `
		select e.id, e.review_id, r.change_key, e.reason, e.ticket, p.name as decided_by, e.decided_at, e.ends_at,
			coalesce(b.name, '') as revoked_by, coalesce(v.reason, '') as revoked_reason, v.revoked_at,
			(select min(a.acted_at) from launch_acts a where a.workload_id = r.workload_id and lower(a.change_key) = lower(r.change_key)
				and a.acted_at > e.decided_at and a.acted_at < e.ends_at and a.id is distinct from v.id) as followed_at
		from emergency_decisions e
		join reviews r on r.id = e.review_id
		join people p on p.id = e.decided_by
		left join emergency_revocations v on v.emergency_id = e.id
		left join people b on b.id = v.revoked_by
		where r.workload_id = $1 order by e.decided_at desc, e.id desc limit 50`
	rows, err := s.db.Query(ctx, sql, workloadID)
	if err != nil {
		return nil, fmt.Errorf("list emergencies: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[EmergencyGo])
}
