package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	wa "github.com/aws/aws-sdk-go-v2/service/wellarchitected"
	"github.com/aws/aws-sdk-go-v2/service/wellarchitected/types"

	"orrery/internal/evidence"
)

const (
	toolPerPage  = 50                                 // the most that the tool gives at once
	noToolReview = "00000000000000000000000000000000" // the id of a workload that nobody has
)

func (c *cell) toolClient() *wa.Client {
	return wa.NewFromConfig(c.cfg, func(o *wa.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("wellarchitected"))
	})
}

// toolReader reads what people answered in the Well-Architected Tool. Its keys are names and
// ARNs of workloads there.
type toolReader struct {
	*cell
	client *wa.Client
	t      *teller
	noted  error // why notes could not be read; answers are told without them
}

// toolReview is one lens of one workload.
type toolReview struct {
	key      string
	workload types.WorkloadSummary
	lens     types.LensReviewSummary
}

// readTool tells each answer of the workloads that the keys name, and of each workload its
// risks. Answers are told although their notes may not be read; then it fails with that.
func readTool(ctx context.Context, c *cell, keys []string, t *teller) error {
	r := &toolReader{cell: c, client: c.toolClient(), t: t}
	named, err := r.workloads(ctx, keys)
	if err != nil {
		return err
	}
	for _, n := range named {
		lenses, err := r.lenses(ctx, n.workload)
		if err != nil {
			return err
		}
		t.tell(n.summary(c, lenses))
		for _, n.lens = range lenses {
			if err := r.answers(ctx, n); err != nil {
				return err
			}
		}
	}
	return r.noted
}

// workloads finds those that the keys name; the tool ignores capitals and spaces in names.
func (r *toolReader) workloads(ctx context.Context, keys []string) (found []toolReview, err error) {
	plain := func(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), "")) }
	in := &wa.ListWorkloadsInput{MaxResults: aws.Int32(toolPerPage)}
	err = r.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "wellarchitected:ListWorkloads", r.cell, func(ctx context.Context) (*wa.ListWorkloadsOutput, error) {
			return r.client.ListWorkloads(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, w := range page.WorkloadSummaries {
			for _, key := range keys {
				if key == deref(w.WorkloadArn) || plain(key) == plain(deref(w.WorkloadName)) {
					found = append(found, toolReview{key: key, workload: w})
				}
			}
		}
		return page.NextToken, nil
	})
	return found, err
}

func (r *toolReader) lenses(ctx context.Context, w types.WorkloadSummary) (list []types.LensReviewSummary, err error) {
	in := &wa.ListLensReviewsInput{WorkloadId: w.WorkloadId, MaxResults: aws.Int32(toolPerPage)}
	err = r.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "wellarchitected:ListLensReviews", r.cell, func(ctx context.Context) (*wa.ListLensReviewsOutput, error) {
			return r.client.ListLensReviews(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, page.LensReviewSummaries...)
		return page.NextToken, nil
	})
	return list, err
}

func (r *toolReader) answers(ctx context.Context, n toolReview) error {
	in := &wa.ListAnswersInput{WorkloadId: n.workload.WorkloadId, LensAlias: n.lens.LensAlias, MaxResults: aws.Int32(toolPerPage)}
	return r.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "wellarchitected:ListAnswers", r.cell, func(ctx context.Context) (*wa.ListAnswersOutput, error) {
			return r.client.ListAnswers(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.AnswerSummaries {
			a := &page.AnswerSummaries[i]
			if a.Risk == types.RiskUnanswered {
				continue
			}
			notes, err := r.notes(ctx, n, a.QuestionId)
			if err != nil {
				return nil, err
			}
			o, err := n.answer(a, notes)
			if err != nil {
				return nil, err
			}
			r.t.tell(o)
		}
		return page.NextToken, nil
	})
}

// notes reads an answer whole, for its notes. Nothing when these may not be read.
func (r *toolReader) notes(ctx context.Context, n toolReview, question *string) (types.Answer, error) {
	if r.noted != nil {
		return types.Answer{}, nil
	}
	out, err := call(ctx, "wellarchitected:GetAnswer", r.cell, func(ctx context.Context) (*wa.GetAnswerOutput, error) {
		return r.client.GetAnswer(ctx, &wa.GetAnswerInput{WorkloadId: n.workload.WorkloadId, LensAlias: n.lens.LensAlias, QuestionId: question})
	})
	switch {
	case err != nil && r.explain(err).result == evidence.Denied:
		r.noted = err
		return types.Answer{}, nil
	case err != nil || out.Answer == nil:
		return types.Answer{}, err
	}
	return *out.Answer, nil
}

// summary is a fact on the workload: its lenses and risks.
func (n toolReview) summary(c *cell, lenses []types.LensReviewSummary) evidence.Observation {
	names := make([]string, 0, len(lenses))
	for _, l := range lenses {
		names = append(names, cmp.Or(deref(l.LensName), deref(l.LensAlias)))
	}
	risks := n.workload.RiskCounts
	title := fmt.Sprintf("The Well-Architected Tool has the workload %s with %d high and %d medium risks, and %d questions without an answer.",
		deref(n.workload.WorkloadName), risks["HIGH"], risks["MEDIUM"], risks["UNANSWERED"])
	return evidence.Observation{
		Control: n.key, Resource: deref(n.workload.WorkloadArn), State: evidence.Stated, Reason: evidence.PeopleSay, Title: title,
		Detail:     compact(map[string]any{"lenses": names, "risks": risks, "owner": deref(n.workload.Owner)}),
		ObservedAt: changedAt(n.workload.UpdatedAt, nil, c.now),
	}
}

// answer is a fact on one question: what people ticked and noted there.
func (n toolReview) answer(a *types.AnswerSummary, whole types.Answer) (evidence.Observation, error) {
	doc := evidence.ToolAnswer{
		Workload: deref(n.workload.WorkloadName), WorkloadARN: deref(n.workload.WorkloadArn), Lens: deref(n.lens.LensAlias), LensName: deref(n.lens.LensName),
		LensVersion: deref(n.lens.LensVersion), QuestionID: deref(a.QuestionId), Question: deref(a.QuestionTitle), Risk: string(a.Risk),
		Applicable: a.IsApplicable == nil || *a.IsApplicable, Reason: string(a.Reason), Notes: strings.TrimSpace(deref(whole.Notes)), Choices: toolChoices(a, whole),
	}
	detail, err := doc.Document()
	if err != nil {
		return evidence.Observation{}, err
	}
	return evidence.Observation{
		Control: n.key, Resource: doc.WorkloadARN + "/" + doc.Lens + "/" + doc.QuestionID, State: evidence.Stated, Reason: evidence.PeopleSay,
		Title: toolSentence(doc), Detail: detail, ObservedAt: changedAt(n.lens.UpdatedAt, n.workload.UpdatedAt, time.Time{}),
	}, nil
}

// toolChoices puts titles, ticks and notes of the choices together.
func toolChoices(a *types.AnswerSummary, whole types.Answer) (list []evidence.ToolChoice) {
	for _, c := range a.Choices {
		one := evidence.ToolChoice{ID: deref(c.ChoiceId), Title: deref(c.Title)}
		if slices.Contains(a.SelectedChoices, one.ID) {
			one.Status = string(types.ChoiceStatusSelected)
		}
		for _, s := range a.ChoiceAnswerSummaries {
			if deref(s.ChoiceId) == one.ID {
				one.Status, one.Reason = string(s.Status), string(s.Reason)
			}
		}
		for _, s := range whole.ChoiceAnswers {
			if deref(s.ChoiceId) == one.ID {
				one.Notes = strings.TrimSpace(deref(s.Notes))
			}
		}
		list = append(list, one)
	}
	return list
}

func toolSentence(a evidence.ToolAnswer) string {
	if !a.Applicable {
		return fmt.Sprintf("People marked %q as not applicable in the Well-Architected Tool.", a.Question)
	}
	ticked := 0
	for _, c := range a.Choices {
		if c.Ticked() {
			ticked++
		}
	}
	return fmt.Sprintf("People ticked %d of %d choices of %q in the Well-Architected Tool, which gives %s.", ticked, len(a.Choices), a.Question, toolRisk(a.Risk))
}

func toolRisk(risk string) string {
	switch risk {
	case "HIGH":
		return "a high risk"
	case "MEDIUM":
		return "a medium risk"
	case "NONE":
		return "no risk"
	}
	return "no word on the risk"
}

// changedAt is the first of the times that is known.
func changedAt(first, second *time.Time, last time.Time) time.Time {
	for _, at := range []*time.Time{first, second} {
		if at != nil {
			return *at
		}
	}
	return last
}
