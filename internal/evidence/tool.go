package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"orrery/internal/postgres"
	"orrery/internal/workload"
)

// ToolAnswer is what people answered to one question of the Well-Architected Tool: the
// document of a fact of ToolSource.
type ToolAnswer struct {
	Workload    string       `json:"workload"` // its name there
	WorkloadARN string       `json:"workload_arn"`
	Lens        string       `json:"lens"` // its alias, or the ARN of a custom one
	LensName    string       `json:"lens_name,omitempty"`
	LensVersion string       `json:"lens_version,omitempty"`
	QuestionID  string       `json:"question_id"`
	Question    string       `json:"question"`
	Risk        string       `json:"risk"` // in the tool's words: HIGH, MEDIUM, NONE, NOT_APPLICABLE
	Applicable  bool         `json:"applicable"`
	Reason      string       `json:"reason,omitempty"` // why it is not applicable, in the tool's words
	Notes       string       `json:"notes,omitempty"`
	Choices     []ToolChoice `json:"choices,omitempty"`

	AsOf    time.Time `json:"-"` // when the lens was last changed there: the tool dates no answer
	Account string    `json:"-"`
	Region  string    `json:"-"`
}

// ToolChoice is a choice of such a question.
type ToolChoice struct {
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Status string `json:"status,omitempty"` // SELECTED, NOT_APPLICABLE, UNSELECTED
	Reason string `json:"reason,omitempty"`
	Notes  string `json:"notes,omitempty"`
}

// Ticked reports whether people ticked the choice.
func (c ToolChoice) Ticked() bool { return c.Status == "SELECTED" }

// NotApplicable reports whether people said that the choice does not apply.
func (c ToolChoice) NotApplicable() bool { return c.Status == "NOT_APPLICABLE" }

// Document is the answer as a fact keeps it. What makes it too long goes, the least first: notes on
// choices, titles of choices that are not ticked, then the notes on the question.
func (a ToolAnswer) Document() (json.RawMessage, error) {
	a.Choices = slices.Clone(a.Choices)
	for step := 0; ; step++ {
		doc, err := json.Marshal(a)
		if err != nil || len(doc) <= MaxDetail || step == 3 {
			return doc, err
		}
		for i := range a.Choices {
			if c := &a.Choices[i]; step == 0 {
				c.Notes = ""
			} else if !c.Ticked() {
				c.Title = ""
			}
		}
		if step == 2 {
			a.Notes = ""
		}
	}
}

// toolSQL reads the answers in the workloads of the tool that the production scope names.
const toolSQL = `
	select f.detail, f.observed_at, f.account, f.region
	from scopes s
	join facts f on f.source = $2 and f.control = any(s.wa_workloads) and f.account = any(s.accounts) and f.region = any(s.regions)
	where s.workload_id = $1 and s.production and f.state = 'stated' and f.gone_at is null and f.detail ? 'question_id'
	order by f.resource, f.account, f.region`

func scanTool(row pgx.CollectableRow) (a ToolAnswer, err error) {
	return a, row.Scan(&a, &a.AsOf, &a.Account, &a.Region)
}

// ToolReading is what a batch reads of the tool; see QueueToolAnswers.
type ToolReading struct {
	workload uuid.UUID
	list     []ToolAnswer
}

// QueueToolAnswers is ToolAnswers for a page that asks for several things in one go.
func QueueToolAnswers(b *pgx.Batch, workloadID uuid.UUID) *ToolReading {
	r := &ToolReading{workload: workloadID}
	postgres.Collect(b, &r.list, scanTool, toolSQL, workloadID, ToolSource)
	return r
}

// Answers are those that the batch read, each once, without what a foreign account says.
func (r *ToolReading) Answers(ctx context.Context, q postgres.Querier) ([]ToolAnswer, error) {
	if len(r.list) == 0 {
		return nil, nil
	}
	foreign, err := workload.Foreign(ctx, q, r.workload)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(r.list), func(a ToolAnswer) bool { return slices.Contains(foreign, a.Account) })
	return slices.CompactFunc(list, func(a, b ToolAnswer) bool {
		return a.WorkloadARN == b.WorkloadARN && a.Lens == b.Lens && a.QuestionID == b.QuestionID
	}), nil
}

// ToolAnswers reads what people answered in the Well-Architected Tool in the workloads that
// the production scope names, by lens and question. What a foreign account says is left out.
// It does not authorise: raw findings are for whom CanReadFindings lets.
func ToolAnswers(ctx context.Context, q postgres.Querier, workloadID uuid.UUID) ([]ToolAnswer, error) {
	rows, err := q.Query(ctx, toolSQL, workloadID, ToolSource)
	if err != nil {
		return nil, fmt.Errorf("read answers of the tool: %w", err)
	}
	r := &ToolReading{workload: workloadID}
	if r.list, err = pgx.CollectRows(rows, scanTool); err != nil {
		return nil, fmt.Errorf("read answers of the tool: %w", err)
	}
	return r.Answers(ctx, q)
}

// askTool adds the workloads of the Well-Architected Tool that a scope names to the ask.
func (a Ask) askTool(named []string) Ask {
	for _, name := range named {
		a.addMore(ToolSource, name)
	}
	return a
}

// toolOf reads which workloads of the tool the scope of a run names.
func toolOf(ctx context.Context, q postgres.Querier, runID uuid.UUID) (named []string, err error) {
	err = q.QueryRow(ctx, `select s.wa_workloads from runs r join scopes s on s.id = r.scope_id where r.id = $1`, runID).Scan(&named)
	if err != nil {
		return nil, fmt.Errorf("read the scope of the run: %w", err)
	}
	return named, nil
}
