package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/review"
)

// The states of an order.
const (
	Queued  = "queued"
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// Kept is how long an order and its file are kept.
const Kept = 24 * time.Hour

const mostOrders = 100 // of one person at a time

// Order is a report that was asked for, made by a job.
type Order struct {
	ID       uuid.UUID
	ReviewID uuid.UUID
	Round    int
	Extent   Extent
	Comments bool
	State    string
	Problem  string // why it failed
	Name     string // of the file; empty until it is done
	Size     int
	OrderBy  uuid.UUID
	AskedAt  time.Time
	DoneAt   *time.Time
	EndsAt   time.Time
}

// Wish is what is asked for.
type Wish struct {
	Round    int // 0: the newest
	Extent   Extent
	Comments bool
}

// Service makes reports by jobs and keeps them for a day.
type Service struct {
	db      *pgxpool.Pool
	jobs    *river.Client[pgx.Tx] // inserts only
	people  *identity.Service
	reviews *review.Service
	url     string // of this portal, without a slash at the end
	now     func() time.Time
}

// NewService returns the service on the pool; now gives the time of an act.
func NewService(db *pgxpool.Pool, jobs *river.Client[pgx.Tx], people *identity.Service, reviews *review.Service, publicURL string, now func() time.Time) *Service {
	return &Service{db: db, jobs: jobs, people: people, reviews: reviews, url: publicURL, now: now}
}

func errNoOrder() error {
	return fault.New(fault.NotFound, "There is no such report, or it is no longer kept.")
}

// Ask asks for a report of a round. Who may read the review may: not found for others, and
// without such a round. Invalid on "options"; too many when a hundred of theirs are kept.
func (s *Service) Ask(ctx context.Context, who identity.Actor, reviewID uuid.UUID, w Wish) (Order, error) {
	extent, ok := ParseExtent(string(w.Extent))
	if !ok {
		return Order{}, fault.InvalidField("options", "It is full, readout or risks.")
	}
	paper, err := s.reviews.Paper(ctx, who, reviewID, w.Round)
	if err != nil {
		return Order{}, err
	}
	if who.PersonID == uuid.Nil {
		return Order{}, fault.New(fault.Unauthenticated, "Please sign in.")
	}
	workload, err := uuid.Parse(paper.Snapshot.Workload.ID)
	if err != nil {
		return Order{}, fmt.Errorf("ask for report: %w", err)
	}
	now := s.now()
	o := Order{
		ID: uuid.Must(uuid.NewV7()), ReviewID: reviewID, Round: paper.Snapshot.Review.Round, Extent: extent, Comments: w.Comments, State: Queued,
		OrderBy: who.PersonID, AskedAt: now, EndsAt: now.Add(Kept),
	}
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := insertOrder(ctx, tx, o); err != nil {
			return err
		}
		if _, err := s.jobs.InsertTx(ctx, tx, MakeArgs{OrderID: o.ID}, nil); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return audit.Record(ctx, tx, who, audit.Act{
			Stream: audit.WorkloadStream(workload), Verb: "report.asked", TargetKind: "report", TargetID: o.ID.String(), At: now,
			Details: []audit.Detail{{Name: "review", Value: reviewID.String()}, {Name: "round", Value: strconv.Itoa(o.Round)}, {Name: "extent", Value: string(extent)}},
		})
	})
	if err != nil {
		return Order{}, fmt.Errorf("ask for report: %w", err)
	}
	return o, nil
}

// Order reads how a report stands. Who asked for it may, while they may read the review; not
// found for others, and when its day is over.
func (s *Service) Order(ctx context.Context, who identity.Actor, id uuid.UUID) (Order, error) {
	o, err := orderByID(ctx, s.db, id)
	if err != nil {
		return o, err
	}
	if o.OrderBy != who.PersonID || !s.now().Before(o.EndsAt) {
		return Order{}, errNoOrder()
	}
	if err := s.reviews.Readable(ctx, who, o.ReviewID); fault.Is(err, fault.NotFound) {
		return Order{}, errNoOrder()
	} else if err != nil {
		return Order{}, err
	}
	return o, nil
}

// File reads the report itself, as Order does; conflict while it is not done.
func (s *Service) File(ctx context.Context, who identity.Actor, id uuid.UUID) (Order, []byte, error) {
	o, err := s.Order(ctx, who, id)
	if err != nil {
		return o, nil, err
	}
	if o.State != Done {
		return o, nil, fault.New(fault.Conflict, "This report is %s, so there is no file.", o.State)
	}
	var file []byte
	err = s.db.QueryRow(ctx, `select file from report_orders where id = $1`, id).Scan(&file)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, nil, errNoOrder()
	}
	return o, file, err
}

// Make makes the report of an order with the rights that whoever asked has now. What cannot be
// made is told on the last try. It does not authorise: the queue calls it.
func (s *Service) Make(ctx context.Context, id uuid.UUID, last bool) error {
	o, err := orderByID(ctx, s.db, id)
	if fault.Is(err, fault.NotFound) || err == nil && (o.State == Done || o.State == Failed) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.move(ctx, id, Running, ""); err != nil {
		return err
	}
	name, file, err := s.print(ctx, o)
	if err == nil {
		err = s.store(ctx, id, name, file)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return s.move(ctx, id, Failed, "The review or the round is no longer there for you.")
	case err != nil && last:
		return errors.Join(err, s.move(context.WithoutCancel(ctx), id, Failed, "It could not be made. Ask again, or print it in the portal."))
	}
	return err
}

func (s *Service) store(ctx context.Context, id uuid.UUID, name string, file []byte) error {
	const sql = `update report_orders set state = 'done', problem = '', name = $2, file = $3, size = $5, done_at = $4 where id = $1`
	if _, err := s.db.Exec(ctx, sql, id, name, file, s.now(), len(file)); err != nil {
		return fmt.Errorf("store report: %w", err)
	}
	return nil
}

func (s *Service) print(ctx context.Context, o Order) (name string, file []byte, err error) {
	who, err := s.people.ActorFor(ctx, o.OrderBy)
	if err != nil {
		return "", nil, err
	}
	paper, err := s.reviews.Paper(ctx, who, o.ReviewID, o.Round)
	if err != nil {
		return "", nil, err
	}
	_, sample, err := identity.Organisation(ctx, s.db)
	if err != nil {
		return "", nil, err
	}
	in := InputOf(paper, s.url, s.now(), sample)
	in.Extent, in.Comments = o.Extent, o.Comments
	var b bytes.Buffer
	if err := Print(ctx, &b, in); err != nil {
		return "", nil, err
	}
	return FileName(in, string(o.Extent)) + ".pdf", b.Bytes(), nil
}

func (s *Service) move(ctx context.Context, id uuid.UUID, state, problem string) error {
	if _, err := s.db.Exec(ctx, `update report_orders set state = $2, problem = $3 where id = $1`, id, state, problem); err != nil {
		return fmt.Errorf("store state of report: %w", err)
	}
	return nil
}

// Sweep forgets the orders whose day is over. It does not authorise: the clock calls it.
func (s *Service) Sweep(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `delete from report_orders where ends_at <= $1`, s.now()); err != nil {
		return fmt.Errorf("sweep reports: %w", err)
	}
	return nil
}

// InputOf is what a report prints of a round, in full.
func InputOf(p review.Paper, publicURL string, at time.Time, sample bool) Input {
	return Input{
		Snapshot: p.Snapshot, Seal: p.Seal, ContentSHA256: p.ContentSHA256, SealSHA256: p.SealSHA256, State: p.State,
		SignOffs: p.SignOffs, Items: p.Items, URL: publicURL + p.Path, PrintedAt: at, Sample: sample, Beside: p.Beside,
	}
}

// FileName says workload, type of review, round, and what of it the file holds. It is made
// of keys and numbers.
func FileName(in Input, part string) string {
	r := in.Snapshot.Review
	return strings.Join([]string{in.Snapshot.Workload.Key, r.Type, "round", strconv.Itoa(r.Round), part}, "-")
}
