package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"orrery/internal/audit"
)

// message is what is delivered, thin: who wants more asks the API.
type message struct {
	ID   uuid.UUID
	Type string
	At   time.Time
	Data data

	restricted bool // of a restricted workload
}

type data struct {
	Target   *target `json:"target,omitempty"`
	Workload string  `json:"workload,omitempty"` // its key
	Version  string  `json:"version,omitempty"`  // of a questionnaire
	HTMLURL  string  `json:"html_url,omitempty"`
	Actor    string  `json:"actor,omitempty"` // a person's id, or system
}

type target struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

func (m message) encode() ([]byte, error) {
	return json.Marshal(struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      data   `json:"data"`
	}{m.Type, m.At.UTC().Format(time.RFC3339Nano), m.Data})
}

// Take queues an event for the endpoints that want it, within the caller's transaction. The
// same event again queues nothing. It does not authorise: the dispatcher of events calls it.
func (s *Service) Take(ctx context.Context, tx pgx.Tx, e audit.Event) error {
	m := message{ID: e.ID, Type: e.Verb, At: e.At, Data: data{Target: &target{e.TargetKind, e.TargetID}, Actor: "system"}}
	if e.ActorID != uuid.Nil {
		m.Data.Actor = e.ActorID.String()
	}
	if id := e.WorkloadID(); id != uuid.Nil {
		err := tx.QueryRow(ctx, `select key, restricted from workloads where id = $1`, id).Scan(&m.Data.Workload, &m.restricted)
		if err != nil {
			return fmt.Errorf("read workload of event: %w", err)
		}
	}
	m.Data.HTMLURL = s.htmlURL(e, m.Data.Workload)
	if e.TargetKind == "questionnaire_version" { // the API knows it by key and number
		m.Data.Target, m.Data.Version = &target{"questionnaire", e.Detail("key")}, e.Detail("version")
	}
	const sql = `
		select id from webhook_endpoints
		where state = 'on' and (events = '{}' or $1 = any(events)) and (restricted or not $2)`
	rows, err := tx.Query(ctx, sql, e.Verb, m.restricted)
	if err != nil {
		return fmt.Errorf("read webhooks: %w", err)
	}
	endpoints, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(endpoints) == 0 {
		return err
	}
	return s.queue(ctx, tx, endpoints, m, s.now())
}

// htmlURL is the page of what an act was done to.
func (s *Service) htmlURL(e audit.Event, workload string) string {
	switch e.TargetKind {
	case "item":
		return s.url + "/items/" + e.TargetID
	case "ticket":
		return s.url + "/items/" + e.Detail("item")
	case "comment":
		if kind, id, _ := strings.Cut(e.Detail("on"), " "); kind == "item" {
			return s.url + "/items/" + id
		}
	case "incident":
		return s.url + "/incidents/" + e.TargetID
	case "lesson":
		return s.url + "/lessons/" + e.TargetID
	case "follow_up":
		return s.url + "/follow-ups/" + e.TargetID
	case "review":
		return s.url + "/reviews/" + e.TargetID
	case "acceptance":
		return s.url + "/acceptances/" + e.TargetID
	case "questionnaire_version":
		return s.url + "/questionnaires/" + e.Detail("key") + "?version=" + e.Detail("version")
	case "person":
		return s.url + "/people/" + e.TargetID
	}
	if workload != "" {
		return s.url + "/workloads/" + workload
	}
	return s.url + "/"
}

// queue stores a delivery of the message for each endpoint with the job that sends it.
func (s *Service) queue(ctx context.Context, tx pgx.Tx, endpoints []uuid.UUID, m message, now time.Time) error {
	body, err := m.encode()
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	ids := make([]uuid.UUID, len(endpoints))
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	const sql = `
		insert into webhook_deliveries (id, endpoint_id, event_id, type, restricted, body, state, made_at, due_at)
		select d.id, d.endpoint, @event, @type, @restricted, @body, 'pending', @now, @now from unnest(@ids::uuid[], @endpoints::uuid[]) as d(id, endpoint)
		on conflict on constraint webhook_deliveries_once do nothing
		returning id`
	rows, err := tx.Query(ctx, sql, pgx.StrictNamedArgs{"ids": ids, "endpoints": endpoints, "event": m.ID, "type": m.Type, "restricted": m.restricted, "body": body, "now": now})
	if err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	made, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	return s.insertJobs(ctx, tx, made, time.Time{})
}

// insertJobs makes a job for each delivery, to be worked at once or at the time. What is tried
// again, and what is for a slow endpoint, is in the other queue.
func (s *Service) insertJobs(ctx context.Context, tx pgx.Tx, deliveries []uuid.UUID, at time.Time) error {
	if len(deliveries) == 0 {
		return nil
	}
	const sql = `select d.id, e.pace = 'slow' from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id where d.id = any($1) order by d.due_at, d.id`
	rows, err := tx.Query(ctx, sql, deliveries)
	if err != nil {
		return fmt.Errorf("read pace of webhooks: %w", err)
	}
	var jobs []river.InsertManyParams
	var id uuid.UUID
	var slow bool
	_, err = pgx.ForEachRow(rows, []any{&id, &slow}, func() error {
		queue := Queue
		if slow || !at.IsZero() {
			queue = queueAgain
		}
		jobs = append(jobs, river.InsertManyParams{Args: DeliverArgs{DeliveryID: id}, InsertOpts: &river.InsertOpts{Queue: queue, ScheduledAt: at}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pace of webhooks: %w", err)
	}
	if _, err := s.jobs.InsertManyTx(ctx, tx, jobs); err != nil {
		return fmt.Errorf("insert jobs of deliveries: %w", err)
	}
	return nil
}
