package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/workload"
)

// Failure is a control that fails for a workload, with its resources counted.
type Failure struct {
	Source    string
	Control   string
	Title     string
	Severity  Severity
	Failed    int
	Passed    int
	Resources []string  // the first five that fail
	Since     time.Time // when the first of them began to fail
	Item      *remediation.Item
	Elsewhere *Elsewhere // the item of the team that owns the account, on another workload
}

// Key names the failure; it is the key of its item's cause.
func (f Failure) Key() string { return f.Source + "/" + f.Control }

// Tracked reports whether an item of the failure is not finished, here or elsewhere.
func (f Failure) Tracked() bool { return f.Own() || f.Elsewhere != nil }

// Own reports whether an item of this workload is not finished.
func (f Failure) Own() bool { return f.Item != nil && !f.Item.Finished() }

// Failures lists what fails for a workload by control, the widest first, with the item that
// tracks it. It is for whom raw findings are: others get Forbidden.
func (s *Service) Failures(ctx context.Context, who identity.Actor, workloadID uuid.UUID) ([]Failure, error) {
	w, err := workload.Load(ctx, s.db, who, workloadID)
	if err != nil {
		return nil, err
	}
	if err := mayReadFindings(who, w); err != nil {
		return nil, err
	}
	return s.failures(ctx, s.db, w)
}

func (s *Service) failures(ctx context.Context, q postgres.Querier, w workload.Workload) ([]Failure, error) {
	const sql = `
		with bearing as (
		select f.id, f.source, f.control, f.title, f.account, f.region, f.resource, f.changed_at, ` + failing + ` as fails
		from facts f
		where f.gone_at is null and f.state in ('fail', 'pass') and ` + inScope + `),
		failing as (
		select f.source, f.control, min(f.title) filter (where f.fails) as title, count(*) filter (where f.fails) as failed, count(*) filter (where not f.fails) as passed,
			(array_agg(f.resource order by f.account, f.region, f.resource) filter (where f.fails))[1:5] as resources, min(f.changed_at) filter (where f.fails) as since,
			min(f.id) filter (where f.fails) as one
		from bearing f
		group by f.source, f.control having count(*) filter (where f.fails) > 0)
		select g.source, g.control, g.title, coalesce(o.detail->>'control_severity', ''), g.failed, g.passed, g.resources, g.since
		from failing g join facts o on o.id = g.one
		order by g.failed desc, g.source, g.control`
	checks, err := s.checks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the checks in use: %w", err)
	}
	now := s.now()
	foreign, err := workload.Foreign(ctx, q, w.ID)
	if err != nil {
		return nil, err
	}
	scope := w.Production
	scope.Accounts = without(scope.Accounts, foreign)
	rows, err := q.Query(ctx, sql, askedBy(checks, now).failingArgs(scope))
	if err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Failure, err error) {
		return f, row.Scan(&f.Source, &f.Control, &f.Title, &f.Severity, &f.Failed, &f.Passed, &f.Resources, &f.Since)
	})
	if err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	items, err := remediation.OfEvidence(ctx, q, w.ID)
	if err != nil {
		return nil, err
	}
	w.Production = scope
	elsewhere, err := TrackedElsewhere(ctx, q, w, checks, now)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for j := range items {
			if items[j].CauseKey == list[i].Key() {
				list[i].Item = &items[j]
			}
		}
		if e, ok := elsewhere[list[i].Key()]; ok && !list[i].Own() {
			list[i].Elsewhere = &e
		}
	}
	return list, nil
}

// TrackInput says which failures become items.
type TrackInput struct {
	Keys    []string // Failure.Key
	OwnerID string
	DueOn   string // 2006-01-02
}

// Track opens an item for each failure that is named, or reopens it; what is tracked already
// stays as it is. Members of the owning team may. Invalid on "failure", "owner" and "due_on".
// It returns how many were opened.
func (s *Service) Track(ctx context.Context, who identity.Actor, workloadID uuid.UUID, in TrackInput) (n int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		w, err := workload.Load(ctx, tx, who, workloadID)
		if err != nil {
			return err
		}
		if err := who.May(identity.WorkItems, w.Target()); err != nil {
			return err
		}
		if w.Stage == workload.Retired {
			return fault.New(fault.Conflict, "This workload is retired, so nothing new is tracked for it.")
		}
		if err := remediation.LockItems(ctx, tx, w.ID); err != nil {
			return err
		}
		list, err := s.failures(ctx, tx, w)
		if err != nil {
			return err
		}
		openings, err := in.openings(w, list, now)
		if err != nil {
			return err
		}
		foreign, err := workload.Foreign(ctx, tx, w.ID)
		if err != nil {
			return err
		}
		for _, o := range openings {
			if _, err := remediation.OpenItem(ctx, tx, who, o, now); err != nil {
				return err
			}
			if err := noteFound(ctx, tx, w.ID, o.CauseKey, extentOf(w.Production, foreign)); err != nil {
				return err
			}
		}
		n = len(openings)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("track failures: %w", err)
	}
	return n, nil
}

// openings are the items to open for those keys that fail and are not tracked yet.
func (in TrackInput) openings(w workload.Workload, list []Failure, now time.Time) ([]remediation.Opening, error) {
	var bad []fault.Field
	owner, err := uuid.Parse(in.OwnerID)
	if err != nil {
		bad = append(bad, fault.Field{Name: "owner", Message: "Choose an owner from the list."})
	}
	due, problem := remediation.ReadDue(in.DueOn, now)
	if problem != "" {
		bad = append(bad, fault.Field{Name: "due_on", Message: problem})
	}
	if len(in.Keys) == 0 {
		bad = append(bad, fault.Field{Name: "failure", Message: "Choose at least one failure."})
	}
	var out []remediation.Opening
	for _, key := range distinct(in.Keys) {
		i := slices.IndexFunc(list, func(f Failure) bool { return f.Key() == key })
		if i < 0 {
			bad = append(bad, fault.Field{Name: "failure", Message: "One of these does not fail any more. Look at the list again."})
			break
		}
		if !list[i].Tracked() {
			out = append(out, list[i].opening(w, owner, due))
		}
	}
	return out, fault.InvalidFields(bad...)
}

// opening is the item of a failure: one for a workload and control, its resources inside.
func (f Failure) opening(w workload.Workload, owner uuid.UUID, due time.Time) remediation.Opening {
	state := "&state=fail"
	if questionnaire.IsSighted(f.Source) {
		state = "" // it was seen, which is no state of failing
	}
	return remediation.Opening{
		WorkloadID: w.ID, CauseKind: remediation.CauseEvidence, CauseKey: f.Key(), Title: shorten(f.Control+": "+f.Title, 280), Detail: f.sentence(),
		Risk: f.Severity.Risk(), Href: "/workloads/" + w.Key + "/evidence?view=facts" + state + "&source=" + f.Source + "&control=" + f.Control, OwnerID: owner, DueOn: due,
	}
}

// sentence says how many fail, and which first.
func (f Failure) sentence() string {
	s := fmt.Sprintf("%d of %d fail:\n- %s", f.Failed, f.Failed+f.Passed, strings.Join(f.Resources, "\n- "))
	if more := f.Failed - len(f.Resources); more > 0 {
		s += fmt.Sprintf("\n- and %d more", more)
	}
	return s
}
