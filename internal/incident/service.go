package incident

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
)

// Service keeps incidents, lessons and follow-ups.
type Service struct {
	db      *pgxpool.Pool
	library *questionnaire.Library
	site    string // where people reach the portal, without a slash at the end
	now     func() time.Time
}

// NewService returns the service on the pool; now gives the time of an act. From then on
// what the library publishes is followed up. site is where questions link back to.
func NewService(db *pgxpool.Pool, library *questionnaire.Library, site string, now func() time.Time) *Service {
	s := &Service{db: db, library: library, site: site, now: now}
	library.OnPublish(s.spread)
	return s
}

const stale = "Somebody changed this incident since you opened it. Read it again; your input is still here."

// Incident reads one incident with its workloads, related incidents and actions. Not found
// when who may not read one of its workloads, or it is a draft of other teams.
func (s *Service) Incident(ctx context.Context, who identity.Actor, id uuid.UUID) (Incident, error) {
	return byID(ctx, s.db, who, id, "")
}

// List reads a page of the incidents that who may read, newest first, and the cursor of the
// next page, empty at the end. Invalid on "state" and "after".
func (s *Service) List(ctx context.Context, who identity.Actor, f Filter) (lines []Line, next string, err error) {
	if err := signedIn(who); err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	if !slices.Contains([]string{"", Draft, Closed}, f.State) {
		return nil, "", fault.InvalidField("state", "There is no such state of an incident.")
	}
	after, err := postgres.AfterID(f.After)
	if err != nil {
		return nil, "", err
	}
	if lines, err = list(ctx, s.db, who, f, after); err != nil {
		return nil, "", fmt.Errorf("list incidents: %w", err)
	}
	if len(lines) > f.Limit {
		lines = lines[:f.Limit]
		next = lines[f.Limit-1].ID.String()
	}
	return lines, next, nil
}

// Create begins the record of an incident. Members of the team of one of its workloads may.
// Invalid with a message per field.
func (s *Service) Create(ctx context.Context, who identity.Actor, in Input) (Incident, error) {
	now := s.now()
	i := Incident{ID: uuid.Must(uuid.NewV7()), State: Draft}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		places, err := placesOf(ctx, tx, who, in.Workloads)
		if err != nil {
			return err
		}
		if err := mayBegin(who, in, places); err != nil {
			return err
		}
		i.Places = places
		if err := s.fill(ctx, tx, who, &i, in, now); err != nil {
			return err
		}
		if err := insert(ctx, tx, i, who, now); err != nil {
			return err
		}
		return record(ctx, tx, who, "incident.created", i, now)
	})
	if err != nil {
		return Incident{}, fmt.Errorf("create incident: %w", err)
	}
	return byID(ctx, s.db, who, i.ID, "")
}

// fill checks the input and sets it, with what it names in other rooms.
func (s *Service) fill(ctx context.Context, tx pgx.Tx, who identity.Actor, i *Incident, in Input, now time.Time) error {
	bad := in.apply(i, now)
	if len(i.Places) != len(uniqueKeys(in.Workloads)) {
		bad.add("workloads", "One of the workloads does not exist, or you may not read it.")
	} else if len(i.Places) == 0 {
		bad.add("workloads", "Choose at least one workload.")
	}
	for _, a := range i.Actions {
		if !slices.ContainsFunc(i.Places, func(p Place) bool { return p.ID == a.WorkloadID }) {
			bad.add("workloads", "An action belongs to "+a.WorkloadName+", so this workload stays.")
		}
	}
	if err := s.nameQuestion(ctx, tx, i, in.Question, &bad); err != nil {
		return err
	}
	if err := relate(ctx, tx, who, i, in.Related, &bad); err != nil {
		return err
	}
	return fault.InvalidFields(bad...)
}

// nameQuestion sets the question that the input names. One that is no longer asked stays.
func (s *Service) nameQuestion(ctx context.Context, tx pgx.Tx, i *Incident, named string, bad *fields) error {
	if named = text.Line(named); named == i.Question() {
		return nil
	}
	if named == "" {
		i.QuestionSet, i.QuestionID = "", ""
		return nil
	}
	set, id, _ := strings.Cut(named, "/")
	q, err := s.question(ctx, tx, set, id)
	if err != nil {
		return err
	}
	if q == nil {
		bad.add("question", "Choose a question from the list.")
		return nil
	}
	i.QuestionSet, i.QuestionID = set, id
	return nil
}

// question is the question in the newest version of the set; nil when there is none.
func (s *Service) question(ctx context.Context, q postgres.Querier, set, id string) (*questionnaire.Question, error) {
	p, err := s.library.Newest(ctx, q, set, "")
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	parsed, err := s.library.Version(ctx, q, p.ID)
	if err != nil {
		return nil, err
	}
	found, _ := parsed.Question(id)
	return found, nil
}

// Update changes a draft as it was seen at version. Members of the team of one of its
// workloads may. Invalid with a message per field; a stale version, and a closed incident,
// are a conflict.
func (s *Service) Update(ctx context.Context, who identity.Actor, id uuid.UUID, version int, in Input) (Incident, error) {
	return s.change(ctx, who, id, version, "incident.changed", func(tx pgx.Tx, i *Incident, now time.Time) error {
		if i.State != Draft {
			return fault.New(fault.Conflict, "This incident is closed. Open it again to change it.")
		}
		places, err := placesOf(ctx, tx, who, in.Workloads)
		if err != nil {
			return err
		}
		i.Places = places
		if err := s.fill(ctx, tx, who, i, in, now); err != nil {
			return err
		}
		if mayWrite(who, places) != nil {
			return fault.InvalidField("workloads", "Keep at least one workload of a team of yours.")
		}
		return nil
	})
}

// Close shows the incident to everyone who may read its workloads. Members of the team of
// one of them may. Invalid on what is missing: "summary", "impact", the times, "causes", and
// "actions" without an owner; a stale version is a conflict.
func (s *Service) Close(ctx context.Context, who identity.Actor, id uuid.UUID, version int) (Incident, error) {
	return s.change(ctx, who, id, version, "incident.closed", func(_ pgx.Tx, i *Incident, now time.Time) error {
		if i.State == Closed {
			return fault.New(fault.Conflict, "This incident is closed already.")
		}
		i.State, i.ClosedAt = Closed, &now
		return fault.InvalidFields(i.Missing()...)
	})
}

// Reopen makes a closed incident a draft again, to correct it. Members of the team of one of
// its workloads may. A stale version, and a draft, are a conflict.
func (s *Service) Reopen(ctx context.Context, who identity.Actor, id uuid.UUID, version int) (Incident, error) {
	return s.change(ctx, who, id, version, "incident.reopened", func(_ pgx.Tx, i *Incident, _ time.Time) error {
		if i.State == Draft {
			return fault.New(fault.Conflict, "This incident is a draft already.")
		}
		i.State, i.ClosedAt = Draft, nil
		return nil
	})
}

// change locks the incident, authorises, wants the version, acts, writes and records.
func (s *Service) change(ctx context.Context, who identity.Actor, id uuid.UUID, version int, verb string, act func(pgx.Tx, *Incident, time.Time) error) (Incident, error) {
	now := s.now()
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		i, err := byID(ctx, tx, who, id, "for update of i")
		if err != nil {
			return err
		}
		if err := mayWrite(who, i.Places); err != nil {
			return err
		}
		if i.Version != version {
			return fault.New(fault.Conflict, "%s", stale)
		}
		if err := act(tx, &i, now); err != nil {
			return err
		}
		if err := update(ctx, tx, i, who, now); err != nil {
			return err
		}
		return record(ctx, tx, who, verb, i, now)
	})
	if err != nil {
		return Incident{}, fmt.Errorf("change incident: %w", err)
	}
	return byID(ctx, s.db, who, id, "")
}

// stream is where acts on the incident are recorded: with a restricted workload that it
// touched, so that they stay hidden, or else with the first.
func (i Incident) stream() string {
	for _, p := range i.Places {
		if p.Restricted {
			return audit.WorkloadStream(p.ID)
		}
	}
	return audit.WorkloadStream(i.Places[0].ID)
}

func record(ctx context.Context, tx pgx.Tx, who identity.Actor, verb string, i Incident, at time.Time, details ...audit.Detail) error {
	keys := make([]string, len(i.Places))
	for n, p := range i.Places {
		keys[n] = p.Key
	}
	return audit.Record(ctx, tx, who, audit.Act{
		Stream: i.stream(), Verb: verb, TargetKind: "incident", TargetID: i.ID.String(), At: at,
		Details: append(details, audit.Detail{Name: "workloads", Value: strings.Join(keys, " ")},
			audit.Detail{Name: "severity", Value: strconv.Itoa(i.Severity)}, audit.Detail{Name: "state", Value: i.State}),
	})
}
