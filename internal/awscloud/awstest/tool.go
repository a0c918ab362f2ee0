package awstest

import (
	"fmt"
	"strings"
	"time"
)

// toolOp names the operation of a call to the Well-Architected Tool.
func toolOp(path string) string {
	switch {
	case path == "/workloadsSummaries":
		return "ListWorkloads"
	case !strings.HasPrefix(path, "/workloads/"):
		return ""
	case strings.HasSuffix(path, "/lensReviews"):
		return "ListLensReviews"
	case strings.HasSuffix(path, "/answers"):
		return "ListAnswers"
	case strings.Contains(path, "/answers/"):
		return "GetAnswer"
	}
	return ""
}

// ToolWorkload is a workload of the Well-Architected Tool, with what people answered.
type ToolWorkload struct {
	Name    string
	ID      string // 32 hex digits
	Changed time.Time
	Answers []ToolAnswer
}

// ToolAnswer is an answer in a lens. Choices are ids; a ticked one begins with +, one that does
// not apply with -.
type ToolAnswer struct {
	Lens     string // the alias; wellarchitected when empty
	Question string
	Title    string
	Risk     string // UNANSWERED when empty
	Notes    string
	Choices  []string
	NotAsked bool // marked as not applicable
}

// ToolARN is the ARN of the workload.
func (w ToolWorkload) ToolARN(account, region string) string {
	return fmt.Sprintf("arn:aws:wellarchitected:%s:%s:workload/%s", region, account, w.ID)
}

// Tool answers as the Well-Architected Tool with these workloads does.
func Tool(account, region string, list ...ToolWorkload) Answers {
	of := func(in map[string]any) (ToolWorkload, []string, *Fault) {
		path, _ := in["Path"].(string)
		id, rest, _ := strings.Cut(strings.TrimPrefix(path, "/workloads/"), "/lensReviews")
		for _, w := range list {
			if w.ID == id {
				lens, question, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/answers")
				return w, []string{lens, strings.TrimPrefix(question, "/")}, nil
			}
		}
		return ToolWorkload{}, nil, &Fault{Status: 404, Code: "ResourceNotFoundException", Message: "There is no such workload."}
	}
	return Answers{
		"ListWorkloads": func(map[string]any) (any, *Fault) {
			out := []any{}
			for _, w := range list {
				out = append(out, map[string]any{"WorkloadId": w.ID, "WorkloadArn": w.ToolARN(account, region), "WorkloadName": w.Name, "Owner": account,
					"UpdatedAt": float64(w.Changed.Unix()), "RiskCounts": w.risks()})
			}
			return map[string]any{"WorkloadSummaries": out}, nil
		},
		"ListLensReviews": func(in map[string]any) (any, *Fault) {
			w, _, none := of(in)
			return map[string]any{"LensReviewSummaries": w.lenses()}, none
		},
		"ListAnswers": func(in map[string]any) (any, *Fault) {
			w, at, none := of(in)
			out := []any{}
			for _, a := range w.Answers {
				if none == nil && a.lens() == at[0] {
					out = append(out, a.wire())
				}
			}
			return map[string]any{"AnswerSummaries": out}, none
		},
		"GetAnswer": func(in map[string]any) (any, *Fault) {
			w, at, none := of(in)
			for _, a := range w.Answers {
				if none == nil && a.lens() == at[0] && a.Question == at[1] {
					doc := a.wire()
					doc["Notes"] = a.Notes
					return map[string]any{"Answer": doc}, nil
				}
			}
			return nil, &Fault{Status: 404, Code: "ResourceNotFoundException", Message: "There is no such question."}
		},
	}
}

func (w ToolWorkload) risks() map[string]any {
	counts := map[string]int{}
	for _, a := range w.Answers {
		counts[or(a.Risk, "UNANSWERED")]++
	}
	out := map[string]any{}
	for k, n := range counts {
		out[k] = n
	}
	return out
}

func (w ToolWorkload) lenses() []any {
	out, seen := []any{}, map[string]bool{}
	for _, a := range w.Answers {
		if !seen[a.lens()] {
			seen[a.lens()] = true
			out = append(out, map[string]any{"LensAlias": a.lens(), "LensName": "Lens " + a.lens(), "LensVersion": "2025-02-25", "LensStatus": "CURRENT", "UpdatedAt": float64(w.Changed.Unix())})
		}
	}
	return out
}

func (a ToolAnswer) lens() string { return or(a.Lens, "wellarchitected") }

func (a ToolAnswer) wire() map[string]any {
	var choices, answers []any
	for _, c := range a.Choices {
		id, status := strings.TrimLeft(c, "+-"), "UNSELECTED"
		switch c[0] {
		case '+':
			status = "SELECTED"
		case '-':
			status = "NOT_APPLICABLE"
		}
		choices = append(choices, map[string]any{"ChoiceId": id, "Title": "Title of " + id})
		answers = append(answers, map[string]any{"ChoiceId": id, "Status": status})
	}
	return map[string]any{"QuestionId": a.Question, "QuestionTitle": or(a.Title, "Question "+a.Question), "Risk": or(a.Risk, "UNANSWERED"), "IsApplicable": !a.NotAsked,
		"PillarId": "operationalExcellence", "Choices": choices, "ChoiceAnswerSummaries": answers, "ChoiceAnswers": answers}
}
