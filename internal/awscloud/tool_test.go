package awscloud_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"orrery/internal/awscloud"
	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
)

const shop = "fedcba9876543210fedcba9876543210"

// told are the answers that a reading of the tool gave, by lens and question.
func (r reading) told(t *testing.T) map[string]evidence.ToolAnswer {
	t.Helper()
	out := map[string]evidence.ToolAnswer{}
	for _, f := range r.facts {
		if f.State == evidence.Pass || f.State == evidence.Fail {
			t.Errorf("%s is a verdict: %s", f.Resource, f.State)
		}
		var a evidence.ToolAnswer
		if err := json.Unmarshal(f.Detail, &a); err == nil && a.QuestionID != "" {
			out[a.Lens+"/"+a.QuestionID] = a
		}
	}
	return out
}

func TestReadsTheTool(t *testing.T) {
	changed := time.Now().Add(-40 * 24 * time.Hour).Truncate(time.Second)
	custom := "arn:aws:wellarchitected:eu-west-1:111111111111:lens/0123456789abcdef0123456789abcdef"
	w := awstest.ToolWorkload{Name: "The Shop", ID: shop, Changed: changed, Answers: []awstest.ToolAnswer{
		{Question: "priorities", Risk: "HIGH", Notes: "Ask Kim.", Choices: []string{"+one", "two", "-three"}},
		{Question: "org", Risk: "NOT_APPLICABLE", NotAsked: true, Choices: []string{"one"}},
		{Question: "open", Choices: []string{"one"}},
		{Lens: custom, Question: "restores", Risk: "NONE", Choices: []string{"+tried"}},
	}}
	answers := awstest.Tool(account, eu, awstest.SoundTool(), w)
	for name, key := range map[string]string{"by name": "the shop", "by ARN": w.ToolARN(account, eu)} {
		t.Run(name, func(t *testing.T) {
			r, aws := read(t, world(awstest.Region{Answers: answers}), more(evidence.ToolSource, key), awscloud.Options{Unlimited: true})
			told := r.told(t)
			if len(told) != 3 || len(r.facts) != 4 {
				t.Fatalf("%d facts, %d answers: %+v", len(r.facts), len(told), r.facts)
			}
			a := told["wellarchitected/priorities"]
			if a.Notes != "Ask Kim." || a.Risk != "HIGH" || !a.Choices[0].Ticked() || a.Choices[1].Ticked() || !a.Choices[2].NotApplicable() || a.LensVersion != "2025-02-25" {
				t.Errorf("got %+v", a)
			}
			if told["wellarchitected/org"].Applicable || !told[custom+"/restores"].Choices[0].Ticked() {
				t.Errorf("got %+v", told)
			}
			for _, f := range r.facts {
				if f.Control != key || f.State != evidence.Stated || f.Reason != evidence.PeopleSay || !f.ObservedAt.Equal(changed) || !strings.HasSuffix(f.Title, ".") || !strings.Contains(f.Resource, shop) {
					t.Errorf("got %+v", f)
				}
			}
			if len(aws.Calls("GetAnswer")) != 3 || r.outcomes[evidence.ToolSource].Result != evidence.OK {
				t.Errorf("%d calls, %+v", len(aws.Calls("GetAnswer")), r.outcomes)
			}
			for _, c := range aws.Calls("ListWorkloads", "ListAnswers", "ListLensReviews") {
				if strings.Contains(c.Body, "MaxResults") && !strings.Contains(c.Body, `"MaxResults":50`) {
					t.Errorf("%s asks %s", c.Op, c.Body)
				}
			}
		})
	}
}

// Without the right to read notes answers are told all the same, and the ledger says what
// is missing. One refusal is enough to stop asking.
func TestToolWithoutNotes(t *testing.T) {
	r, aws := read(t, answers(nil), more(evidence.ToolSource, "payments"), awscloud.Options{Unlimited: true, MaxAttempts: 2},
		always("GetAnswer", awstest.Fault{Status: 403, Code: "AccessDeniedException"}))
	o := r.outcomes[evidence.ToolSource]
	if o.Result != evidence.Denied || o.Permission != "wellarchitected:GetAnswer" || len(r.told(t)) != 1 || len(aws.Calls("GetAnswer")) != 1 {
		t.Errorf("got %+v, %d facts", o, len(r.facts))
	}
}

// Each call may be refused, and the ledger names it.
func TestToolRefusals(t *testing.T) {
	for op, want := range map[string]string{"ListWorkloads": "wellarchitected:ListWorkloads", "ListLensReviews": "wellarchitected:ListLensReviews", "ListAnswers": "wellarchitected:ListAnswers"} {
		for _, f := range []struct {
			fault awstest.Fault
			want  evidence.Result
		}{
			{awstest.Fault{Status: 403, Code: "AccessDeniedException"}, evidence.Denied}, {awstest.Fault{Status: 429, Code: "ThrottlingException"}, evidence.Throttled},
			{awstest.Fault{Status: 400, Code: "ValidationException", Message: "no"}, evidence.Error}, {awstest.Fault{Drop: true}, evidence.Error}, {awstest.Fault{Raw: "{"}, evidence.Error},
		} {
			t.Run(op+"/"+string(f.want)+f.fault.Code, func(t *testing.T) {
				r, _ := read(t, answers(nil), more(evidence.ToolSource, "payments"), awscloud.Options{Unlimited: true, MaxAttempts: 2}, always(op, f.fault))
				o := r.outcomes[evidence.ToolSource]
				if o.Result != f.want || f.want == evidence.Denied && o.Permission != want || !strings.HasSuffix(o.Detail, ".") {
					t.Errorf("got %+v", o)
				}
			})
		}
	}
}

// A long answer is kept in parts, and what was ticked is never lost.
func TestToolDocumentIsBounded(t *testing.T) {
	a := evidence.ToolAnswer{QuestionID: "q", Notes: strings.Repeat("<", 2084)}
	for i := range 15 {
		a.Choices = append(a.Choices, evidence.ToolChoice{ID: strings.Repeat("i", 64), Title: strings.Repeat("<", 128), Status: map[bool]string{true: "SELECTED"}[i == 3], Notes: strings.Repeat("n", 250)})
	}
	doc, err := a.Document()
	var back evidence.ToolAnswer
	if err != nil || len(doc) > evidence.MaxDetail || json.Unmarshal(doc, &back) != nil {
		t.Fatalf("%d bytes, %v", len(doc), err)
	}
	if i := slices.IndexFunc(back.Choices, evidence.ToolChoice.Ticked); i != 3 || len(back.Choices) != 15 || a.Choices[0].Notes == "" {
		t.Errorf("got %+v", back)
	}
}

// A run reads the tool for whom its scope names, stores what changed there, and lets nobody
// else's pages show it.
func TestCollectsFromTheTool(t *testing.T) {
	w := world(awstest.Region{Recorders: []awstest.Recorder{{Name: "default"}}, Answers: awstest.Sound(account, eu, nil)})
	h, aws, c := setup(t, w, awscloud.Options{Unlimited: true})
	h.Publish(recorder)
	h.Work(t, c)
	h.Collect(t)
	if n := len(aws.Calls("ListWorkloads")); n != 0 {
		t.Errorf("the tool was asked %d times although the scope names nothing", n)
	}
	h.Exec(t, `update scopes set wa_workloads = '{payments}'`)
	run := h.Collect(t)
	said := func() []evidence.ToolAnswer {
		list, err := evidence.ToolAnswers(t.Context(), h.DB, h.Workload)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := said(); run.State != evidence.Complete || len(list) != 1 || list[0].QuestionID != "priorities" || list[0].Account != account || list[0].AsOf.IsZero() {
		t.Fatalf("the run is %s, the tool says %+v", run.State, list)
	}
	if n := len(h.Facts(t, evidence.FactFilter{Source: evidence.ToolSource})); n != 2 {
		t.Errorf("%d facts are shown, want 2", n)
	}
	before := h.Count(t, `select sum(xmin::text::bigint % 1000000007) from facts`)
	h.Collect(t)
	if h.Count(t, `select sum(xmin::text::bigint % 1000000007) from facts`) < before || len(said()) != 1 {
		t.Error("a second run tells something else")
	}
	changed := awstest.SoundTool()
	changed.Answers[0].Notes = "It moved."
	aws.Change(func(w *awstest.World) { w.Regions[eu].Answers = awstest.Tool(account, eu, changed) })
	h.Collect(t)
	if list := said(); len(list) != 1 || list[0].Notes != "It moved." {
		t.Errorf("the changed note was not stored: %+v", list)
	}
	aws.Change(func(w *awstest.World) { w.Regions[eu].Answers = awstest.Empty() })
	h.Collect(t)
	if list := said(); len(list) != 0 {
		t.Errorf("answers stand although the workload is gone: %+v", list)
	}
	aws.Change(func(w *awstest.World) { w.Regions[eu].Answers = awstest.Sound(account, eu, nil) })
	h.Collect(t)
	h.Exec(t, `update scopes set wa_workloads = '{}'`)
	if len(said()) != 0 || len(h.Facts(t, evidence.FactFilter{Source: evidence.ToolSource})) != 0 {
		t.Error("another scope sees the answers")
	}
}

// What an account of another team says is not read, and not shown.
func TestForeignToolAnswersAreNotShown(t *testing.T) {
	w := world(awstest.Region{Recorders: []awstest.Recorder{{Name: "default"}}, Answers: awstest.Sound(account, eu, nil)})
	h, aws, c := setup(t, w, awscloud.Options{Unlimited: true})
	h.Exec(t, `update scopes set wa_workloads = '{payments, PAYMENTS}'`)
	h.Work(t, c)
	h.Collect(t)
	said := func() int {
		list, err := evidence.ToolAnswers(t.Context(), h.DB, h.Workload)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if said() != 1 {
		t.Errorf("%d answers, want one although it is named twice", said())
	}
	other := uuid.Must(uuid.NewV7())
	h.Exec(t, `insert into teams (id, key, name, created_at) values ($1, 'others', 'Others', now())`, other)
	h.Exec(t, `insert into accounts (account, team_id, set_at) values ($1, $2, now())`, account, other)
	before := len(aws.Calls("ListWorkloads"))
	h.Collect(t)
	if said() != 0 || len(aws.Calls("ListWorkloads")) != before {
		t.Errorf("%d answers of a foreign account, %d calls", said(), len(aws.Calls("ListWorkloads"))-before)
	}
}
