package questionnaire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/internal/fault"
)

// written is a draft with one section and one question.
func written(t *testing.T) *Questionnaire {
	t.Helper()
	q := &Questionnaire{Key: "own", Name: "Own", Format: FormatYAML}
	for _, edit := range []Edit{AddSection("Recovery"), backups().Apply()} {
		if err := edit(q); err != nil {
			t.Fatal(err)
		}
	}
	q.index()
	return q
}

func backups() QuestionInput {
	return QuestionInput{
		Section: "recovery", Title: "Can you restore the data?", Why: "A backup that was never restored is a hope.", Phase: PhaseLaunch, MaxRisk: RiskHigh,
		Choices: []ChoiceInput{
			{Title: "We back up every store.", Weight: WeightCore, FirstStep: "List the stores."},
			{Title: "", Weight: WeightCore},
			{Title: "We restored one this quarter.", Weight: WeightExtra, FirstStep: "Book an afternoon."},
		},
	}
}

func TestQuestionIsWritten(t *testing.T) {
	q := written(t)
	question, ok := q.Question("can_you_restore_the_data")
	if !ok || len(question.Choices) != 2 || question.Choices[0].ID != "back_up_every_store" || question.Choices[1].ID != "restored_one_this_quarter" {
		t.Fatalf("%+v", q.Sections)
	}
	q.Version = "1.0.0"
	source, err := ExportYAML(q)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Parse("own.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	if problems := Lint(set); len(problems) > 0 {
		t.Errorf("lint: %v", problems)
	}
	if risk := set.list[0].Score(Selection{Chosen: []string{"back_up_every_store"}}); risk != RiskMedium {
		t.Errorf("the core choice alone gives %s", risk)
	}
}

func TestIDsOutliveEdits(t *testing.T) {
	q := written(t)
	question, _ := q.Question("can_you_restore_the_data")
	in := InputOf(question)
	in.Title = "Can you get the data back?"
	in.MoveChoice(1, true)
	in.Choices[1].Title = "We back up all stores."
	in.Choices = append(in.Choices, ChoiceInput{Title: "We back up every store.", Weight: WeightExtra, FirstStep: "Begin."})
	if err := in.Apply()(q); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range q.Sections[0].Questions[0].Choices {
		ids = append(ids, c.ID)
	}
	want := []string{"restored_one_this_quarter", "back_up_every_store", "back_up_every_store_2"}
	if diff := cmp.Diff(want, ids); diff != "" || q.Sections[0].Questions[0].ID != "can_you_restore_the_data" {
		t.Errorf("%s %s", q.Sections[0].Questions[0].ID, diff)
	}
}

func TestWrittenRules(t *testing.T) {
	q := written(t)
	in := InputOf(&q.Sections[0].Questions[0])
	in.Rules = "none: back_up_every_store && restored_one_this_quarter\n\n high : default "
	if err := in.Apply()(q); err != nil {
		t.Fatal(err)
	}
	question := &q.Sections[0].Questions[0]
	if question.Weighted || len(question.Rules) != 2 || question.Choices[0].Weight != "" || question.Rules[1] != (Rule{Condition: "default", Risk: RiskHigh}) {
		t.Fatalf("%+v", question)
	}
	if again := InputOf(question); again.Rules != "none: back_up_every_store && restored_one_this_quarter\nhigh: default" {
		t.Errorf("rules read back: %q", again.Rules)
	}
	p, err := in.Preview(q)
	if err != nil || p.Question == nil {
		t.Fatalf("%+v, %v", p, err)
	}
	in.Rules = "none: back_up_every_store && nothing_like_it\nhigh: default"
	if p, err = in.Preview(q); err != nil || p.Question != nil || !strings.Contains(Problems(p.Problems).Error(), "nothing_like_it") {
		t.Errorf("an unknown choice: %+v, %v", p, err)
	}
}

func TestEditsRefuse(t *testing.T) {
	long := strings.Repeat("é", 129)
	many := backups()
	for range 15 {
		many.Choices = append(many.Choices, ChoiceInput{Title: "We did it.", Weight: WeightCore})
	}
	change := func(f func(*QuestionInput)) Edit {
		in := backups()
		f(&in)
		return in.Apply()
	}
	for name, c := range map[string]struct {
		edit  Edit
		field string
	}{
		"a set without a name":     {SetInput{}.Apply(), "name"},
		"a set with a long name":   {SetInput{Name: long}.Apply(), "name"},
		"negative minutes":         {SetInput{Name: "x", Minutes: -1}.Apply(), "minutes"},
		"a section without a name": {AddSection(""), "section"},
		"no title":                 {change(func(in *QuestionInput) { in.Title = "" }), "title"},
		"a long title":             {change(func(in *QuestionInput) { in.Title = long }), "title"},
		"no section":               {change(func(in *QuestionInput) { in.Section = "none" }), "section"},
		"no phase":                 {change(func(in *QuestionInput) { in.Phase = "" }), "phase"},
		"another risk":             {change(func(in *QuestionInput) { in.MaxRisk = "awful" }), "max_risk"},
		"a long reason":            {change(func(in *QuestionInput) { in.Why = strings.Repeat("x", 2049) }), "why"},
		"a long choice":            {change(func(in *QuestionInput) { in.Choices[2].Title = long }), "choice_2"},
		"a long step":              {change(func(in *QuestionInput) { in.Choices[0].FirstStep = strings.Repeat("x", 2049) }), "step_0"},
		"too many choices":         {many.Apply(), "choice_0"},
		"rules without a colon":    {change(func(in *QuestionInput) { in.Rules = "none" }), "rules"},
		"rules of another risk":    {change(func(in *QuestionInput) { in.Rules = "bad: default" }), "rules"},
	} {
		t.Run(name, func(t *testing.T) {
			q := written(t)
			before, _ := json.Marshal(q)
			err := c.edit(q)
			fields := fault.FieldsOf(err)
			if !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != c.field || fields[0].Message == "" {
				t.Errorf("%v %+v", err, fields)
			}
			if after, _ := json.Marshal(q); string(after) != string(before) {
				t.Error("a refused edit changed the draft")
			}
		})
	}
	q := written(t)
	for name, edit := range map[string]Edit{
		"section": RemoveSection("none"), "remove": RemoveQuestion("none"), "move": MoveQuestion("none", true),
		"question": change(func(in *QuestionInput) { in.ID = "gone" }),
	} {
		if err := edit(q); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := RemoveSection("recovery")(q); !fault.Is(err, fault.Invalid) {
		t.Errorf("a section with questions: %v", err)
	}
}

func TestQuestionsMove(t *testing.T) {
	q := written(t)
	second := backups()
	second.Title = "Is there a second?"
	for _, edit := range []Edit{second.Apply(), AddSection("Recovery"), MoveQuestion("is_there_a_second", true), MoveQuestion("is_there_a_second", true)} {
		if err := edit(q); err != nil {
			t.Fatal(err)
		}
	}
	if got := questionIDs(&q.Sections[0]); got[0] != "is_there_a_second" || q.Sections[1].ID != "recovery_2" {
		t.Fatalf("%v, %s", got, q.Sections[1].ID)
	}
	in := InputOf(&q.Sections[0].Questions[0])
	in.Section = "recovery_2"
	for _, edit := range []Edit{in.Apply(), RemoveQuestion("can_you_restore_the_data"), RemoveSection("recovery")} {
		if err := edit(q); err != nil {
			t.Fatal(err)
		}
	}
	if len(q.Sections) != 1 || len(q.Sections[0].Questions) != 1 || q.Sections[0].Questions[0].ID != "is_there_a_second" {
		t.Errorf("%+v", q.Sections)
	}
}

func TestPreviewCountsSelections(t *testing.T) {
	p, err := backups().Preview(written(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]TruthCount{{RiskNone, 1}, {RiskMedium, 1}, {RiskHigh, 1}}, p.Counts); diff != "" {
		t.Error(diff)
	}
	want := []TruthRow{{[]bool{true, false}, RiskMedium}, {[]bool{false, true}, RiskHigh}, {[]bool{true, true}, RiskNone}}
	if diff := cmp.Diff(want, p.Rows); diff != "" {
		t.Error(diff)
	}
	bare := QuestionInput{Section: "recovery", Title: "Is it?", Phase: PhaseLaunch, MaxRisk: RiskHigh}
	if p, err = bare.Preview(written(t)); err != nil || p.Question != nil || len(p.Problems) == 0 {
		t.Errorf("a question without choices: %+v, %v", p, err)
	}
}

// TestShippedSetsOutliveTheForm opens every question of the shipped sets in the form, saves
// it as it stands, and wants nothing to differ.
func TestShippedSetsOutliveTheForm(t *testing.T) {
	files, err := filepath.Glob("../../questionnaires/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(file, source)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		draft := &Questionnaire{}
		if err := json.Unmarshal(stored, draft); err != nil {
			t.Fatal(err)
		}
		for _, question := range q.list {
			if err := InputOf(question).Apply()(draft); err != nil {
				t.Fatalf("%s: %v", question.ID, err)
			}
		}
		out, err := ExportYAML(draft)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(file, out)
		if err != nil {
			t.Fatal(err)
		}
		if d := Compare(q, again); !d.Empty() {
			t.Errorf("%s: %s %+v", file, d.Sentence(), d)
		}
	}
}
