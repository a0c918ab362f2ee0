package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/evidence"
	"orrery/internal/identity"
)

// Verdict is how evidence bears on one check of a question, for a workload.
type Verdict struct {
	Questionnaire string     `json:"questionnaire"`
	Question      string     `json:"question"`
	Check         string     `json:"check" doc:"Id of the check in its question."`
	Choice        string     `json:"choice" doc:"Id of the choice that it bears on."`
	Source        string     `json:"source"`
	Key           string     `json:"key" doc:"What it looks at in the source."`
	State         string     `json:"state" enum:"supports,contradicts,mixed,cannot_tell,stale"`
	Reason        *string    `json:"reason" doc:"A stable code, such as why it cannot tell."`
	Detail        string     `json:"detail"`
	Passed        int        `json:"passed"`
	Failed        int        `json:"failed"`
	Suppressed    int        `json:"suppressed"`
	NotEvaluated  int        `json:"not_evaluated"`
	AsOf          *time.Time `json:"as_of" doc:"The age of what it rests on; null when it rests on nothing."`
	HTMLURL       string     `json:"html_url" format:"uri" doc:"The evidence of the workload."`
}

// Run is one collection of evidence.
type Run struct {
	ID          uuid.UUID  `json:"id"`
	Workload    uuid.UUID  `json:"workload_id"`
	State       string     `json:"state" enum:"running,complete,partial,failed"`
	RequestedBy *string    `json:"requested_by"`
	RequestedAt time.Time  `json:"requested_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	Done        int        `json:"cells_done"`
	Total       int        `json:"cells_total"`
	Cells       []Cell     `json:"cells" nullable:"false"`
	HTMLURL     string     `json:"html_url" format:"uri"`
}

// Cell is one source in one account and Region.
type Cell struct {
	Account    string  `json:"account"`
	Region     string  `json:"region"`
	Source     string  `json:"source"`
	State      string  `json:"state" enum:"queued,running,done"`
	Result     *string `json:"result"`
	Detail     string  `json:"detail"`
	Permission *string `json:"missing_permission"`
	Facts      int     `json:"facts"`
}

type workloadListInput struct {
	Listing
	Key string `path:"key" maxLength:"40" doc:"Key of the workload."`
}

type startRunInput struct {
	Writing
	Key string `path:"key" maxLength:"40" doc:"Key of the workload."`
}

type runInput struct {
	Reading
	ID string `path:"id" maxLength:"36"`
}

func (s *server) evidence(a huma.API) {
	const tag = "Evidence"
	register(a, operation{
		id: "list-verdicts", method: http.MethodGet, path: "/api/v1/workloads/{key}/verdicts", scope: identity.ReadReviews, tag: tag,
		summary: "List what evidence says of a workload", about: "One verdict for each evidence check in use, whatever is answered. Raw findings are in the portal.",
	}, s.listVerdicts)
	register(a, operation{
		id: "start-run", method: http.MethodPost, path: "/api/v1/workloads/{key}/runs", scope: identity.WriteEvidence, tag: tag, status: http.StatusAccepted,
		summary: "Collect evidence", about: "Answers at once with the run, which goes on by itself: read it until its state is not running. One that runs already is joined. The owning team may.",
	}, s.startRun)
	register(a, operation{id: "get-run", method: http.MethodGet, path: "/api/v1/runs/{id}", scope: identity.ReadReviews, tag: tag, summary: "Read how a run stands"}, s.getRun)
}

func (s *server) listVerdicts(ctx context.Context, in *workloadListInput) (*Tagged[Page[Verdict]], error) {
	w, err := s.Workloads.ByKey(ctx, actorOf(ctx), in.Key)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	e, err := s.Portfolio.Evidence(ctx, actorOf(ctx), w.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	var all []Verdict
	for _, set := range e.Sets {
		for _, q := range set.Questions {
			for _, p := range q.Proofs {
				v := p.Verdict
				one := Verdict{
					Questionnaire: set.Key, Question: q.Question.ID, Check: p.Check.ID, Choice: p.Check.Choice, Source: p.Check.Source, Key: p.Check.Key,
					HTMLURL: s.html("/workloads/" + in.Key + "/evidence"), State: string(p.State), Reason: present(v.Reason), Detail: v.Detail, Passed: v.Passed, Failed: v.Failed, Suppressed: v.Suppressed, NotEvaluated: v.NotEvaluated,
				}
				if !v.AsOf.IsZero() {
					one.AsOf = utc(&v.AsOf)
				}
				all = append(all, one)
			}
		}
	}
	data, next, err := cut(in.Listing, all, func(v Verdict) string { return v.Questionnaire + "/" + v.Question + "/" + v.Check }, func(v Verdict) Verdict { return v })
	if err != nil {
		return nil, s.problem(ctx, err, "query")
	}
	return list(ctx, s, in.Listing, data, next)
}

func (s *server) startRun(ctx context.Context, in *startRunInput) (*Written[Run], error) {
	who := actorOf(ctx)
	return write(ctx, s, writing[Run]{
		do: func() (Run, error) {
			w, err := s.Workloads.ByKey(ctx, who, in.Key)
			if err != nil {
				return Run{}, err
			}
			r, _, err := s.Evidence.StartRun(ctx, who, w.ID)
			return s.run(r), err
		},
		again: func(did audit.Did) (Run, error) { return s.loadRun(ctx, did.TargetID) },
		at:    func(r Run) string { return "/api/v1/runs/" + r.ID.String() },
	})
}

func (s *server) loadRun(ctx context.Context, id string) (Run, error) {
	known, err := pathID(id, "run")
	if err != nil {
		return Run{}, err
	}
	r, err := s.Evidence.Run(ctx, actorOf(ctx), known)
	return s.run(r), err
}

func (s *server) getRun(ctx context.Context, in *runInput) (*Tagged[Run], error) {
	r, err := s.loadRun(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err, "path")
	}
	return show(ctx, s, in.Reading, r)
}

func (s *server) run(r evidence.Run) Run {
	out := Run{
		ID: r.ID, Workload: r.WorkloadID, State: string(r.State), RequestedBy: present(r.RequestedByName), RequestedAt: r.RequestedAt.UTC(), FinishedAt: utc(r.FinishedAt),
		Cells: []Cell{}, HTMLURL: s.html("/runs/" + r.ID.String()),
	}
	out.Done, out.Total = r.Done()
	for _, c := range r.Cells {
		out.Cells = append(out.Cells, Cell{c.Account, c.Region, c.Source, c.State, present(string(c.Result)), c.Detail, present(c.Permission), c.Facts})
	}
	return out
}
