package review_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/review"
	"orrery/internal/text"
)

// asked is a question with two choices, of which the first is ticked.
func asked(id, risk string) review.SnapshotQuestion {
	return review.SnapshotQuestion{
		ID: id, Title: "Is " + id + " done?", Description: "About it.", Required: true, Risk: risk, AnsweredBy: "Asha Rao",
		Choices:  []review.SnapshotChoice{{ID: "a", Title: "Practice A", Weight: "core", Chosen: true}, {ID: "b", Title: "Practice B", Weight: "extra"}},
		Evidence: []review.SnapshotVerdict{{Check: "c", Choice: "a", Claim: "A is seen", Verdict: "supports", AsOf: "2026-11-01T00:00:00Z", Passed: 3}},
	}
}

func roundOf(sections ...review.SnapshotSection) review.Snapshot {
	return review.Snapshot{
		Workload: review.SnapshotWorkload{Name: "Payments", Tier: 2, Accounts: []string{"111111111111"}}, Sections: sections,
		Questionnaires: []review.SnapshotQuestionnaire{{Key: "orr", Name: "ORR", Version: "1.0.0"}},
	}
}

func sectionWith(id string, questions ...review.SnapshotQuestion) review.SnapshotSection {
	return review.SnapshotSection{Questionnaire: "orr", ID: id, Name: "Section " + id, Questions: questions}
}

// told writes a comparison down, a line for each change.
func told(c review.Comparison) string {
	var lines []string
	words := func(at string, list []review.TextChange) {
		for _, t := range list {
			line := at + t.What + ": "
			for _, p := range t.Pieces {
				line += map[text.Change]string{text.Same: p.Text, text.Removed: "[-" + p.Text + "-]", text.Added: "[+" + p.Text + "+]"}[p.Change]
			}
			lines = append(lines, line)
		}
	}
	words("", c.Frame)
	for _, s := range c.Sections {
		if s.Was != "" {
			lines = append(lines, s.Name+" was "+s.Was)
		}
		for _, q := range s.Questions {
			lines = append(lines, strings.TrimSpace(q.Key+" in "+s.ID+": "+q.Move+" "+q.RiskBefore+">"+q.Risk))
			if q.MovedFrom != "" {
				lines = append(lines, " from "+q.MovedFrom)
			}
			for _, t := range q.Ticked {
				lines = append(lines, " + "+t)
			}
			for _, t := range q.Unticked {
				lines = append(lines, " - "+t)
			}
			words(" ", q.Answer)
			for _, e := range q.Evidence {
				lines = append(lines, " "+e.Claim+": "+e.Before+">"+e.Now)
			}
			words(" ", q.Asked)
		}
	}
	return strings.Join(lines, "\n")
}

func TestCompareRounds(t *testing.T) {
	with := func(risk string, change func(*review.SnapshotQuestion)) review.SnapshotQuestion {
		q := asked("x", risk)
		change(&q)
		return q
	}
	one := func(q review.SnapshotQuestion) review.Snapshot { return roundOf(sectionWith("s", q)) }
	same := one(asked("x", "high"))
	for name, c := range map[string]struct {
		earlier, later review.Snapshot
		sentence, want string
	}{
		"the same": {same, one(with("high", func(q *review.SnapshotQuestion) {
			q.Notes, q.AnsweredBy, q.AnsweredAt = " \n", "Mika Laine", "2026-12-01T00:00:00Z"
			q.Evidence[0].AsOf, q.Evidence[0].Passed, q.Evidence[0].Detail = "2026-12-01T00:00:00Z", 9, "other"
		})), "Nothing changed.", ""},
		"improved": {same, one(with("none", func(q *review.SnapshotQuestion) { q.Choices[1].Chosen = true })),
			"1 improved.", "orr/x in s: improved high>none\n + Practice B"},
		"worse": {one(asked("x", "none")), one(with("unmatched", func(q *review.SnapshotQuestion) { q.Choices[0].Chosen = false })),
			"1 worse.", "orr/x in s: worse none>unmatched\n - Practice A"},
		"high and unmatched weigh the same": {same, one(asked("x", "unmatched")), "1 changed with the same risk.", "orr/x in s:  high>unmatched"},
		"newly answered":                    {one(asked("x", "unanswered")), one(asked("x", "high")), "1 newly answered.", "orr/x in s: answered unanswered>high"},
		"no longer answered":                {one(asked("x", "none")), one(asked("x", "unanswered")), "1 worse.", "orr/x in s: worse none>unanswered"},
		"not applicable": {same, one(with("not_applicable", func(q *review.SnapshotQuestion) {
			q.NotApplicable, q.Reason, q.Choices[1].NotApplicable, q.Choices[1].Reason = true, "No cards.", true, ""
		})), "1 improved.", "orr/x in s: improved high>not_applicable\n Not applicable: [+No cards.+]\n Not applicable: Practice B: [+without a reason+]"},
		"another reason": {one(with("not_applicable", func(q *review.SnapshotQuestion) { q.NotApplicable, q.Reason = true, "No cards here." })),
			one(with("not_applicable", func(q *review.SnapshotQuestion) { q.NotApplicable, q.Reason = true, "No cash here." })),
			"1 changed with the same risk.", "orr/x in s:  not_applicable>not_applicable\n Not applicable: No [-cards -][+cash +]here."},
		"unknown": {same, one(with("high", func(q *review.SnapshotQuestion) { q.Unknown, q.Choices[0].Chosen = true, false })),
			"1 changed with the same risk.", "orr/x in s:  high>high\n - Practice A\n Do not know: [+ticked+]"},
		"notes": {one(with("high", func(q *review.SnapshotQuestion) { q.Notes = "It took 38 minutes." })),
			one(with("high", func(q *review.SnapshotQuestion) { q.Notes = "It took 12 minutes." })),
			"1 changed with the same risk.", "orr/x in s:  high>high\n Notes: It took [-38 -][+12 +]minutes."},
		"evidence": {same, one(with("high", func(q *review.SnapshotQuestion) {
			q.Evidence[0].Verdict, q.Evidence[0].Against = "contradicts", true
			q.Evidence = append(q.Evidence, review.SnapshotVerdict{Check: "new", Verdict: "stale"})
		})), "1 changed with the same risk.", "orr/x in s:  high>high\n A is seen: supports>contradicts\n new: >stale"},
		"a check is gone": {same, one(with("high", func(q *review.SnapshotQuestion) { q.Evidence = nil })),
			"1 changed with the same risk.", "orr/x in s:  high>high\n A is seen: supports>"},
		"asked otherwise": {same, one(with("high", func(q *review.SnapshotQuestion) {
			q.Title, q.Required, q.Choices[0].Title, q.Choices[0].Weight = "Is x finished?", false, "Practice A1", "extra"
			q.Choices[1] = review.SnapshotChoice{ID: "d", Title: "Practice D", Weight: "core", Chosen: true}
		})), "1 changed with the same risk.", "orr/x in s:  high>high\n + Practice D\n Title: Is x [-done-][+finished+]?\n Answer: [-required-][+optional+]\n" +
			" Choice: Practice [-A-][+A1+]\n Weight of “Practice A1”: [-core-][+extra+]\n New choice: [+Practice D+]\n Choice that is gone: [-Practice B-]"},
		"new, gone and moved": {roundOf(sectionWith("s", asked("x", "none"), asked("y", "high")), sectionWith("t", asked("z", "medium"))),
			roundOf(sectionWith("s", asked("z", "medium"), asked("x", "none")), sectionWith("u", asked("n", "high"))),
			"1 new question, 1 question gone, 1 changed with the same risk.",
			"orr/z in s:  medium>medium\n from Section t\norr/y in s: gone high>\norr/n in u: new >high"},
		"another set with the same ids": {same, roundOf(review.SnapshotSection{Questionnaire: "acme", ID: "s", Name: "Acme", Questions: []review.SnapshotQuestion{asked("x", "none")}}),
			"1 new question, 1 question gone.", "acme/x in s: new >none\norr/x in s: gone high>"},
		"section renamed": {same, roundOf(review.SnapshotSection{Questionnaire: "orr", ID: "s", Name: "Safety", Questions: same.Sections[0].Questions}),
			"No answer changed, only what stands around them.", "Safety was Section s"},
		"frame": {same, func() review.Snapshot {
			s := one(asked("x", "high"))
			s.Workload.Tier, s.Workload.Accounts, s.Questionnaires[0].Version = 1, []string{"111111111111", "222222222222"}, "1.1.0"
			return s
		}(), "No answer changed, only what stands around them.", "Tier: [-2-][+1+]\nAccounts: 111111111111 [+222222222222+]\nQuestionnaires: ORR [-1.0.0-][+1.1.0+]"},
		"accepted": {same, func() review.Snapshot {
			s := one(asked("x", "high"))
			s.Acceptances = []review.SnapshotAcceptance{{Question: "orr/x", State: "granted", Until: "2027-01-31", GrantedBy: "Noor Haddad", Reason: "It is small."}}
			return s
		}(), "1 changed with the same risk.", "orr/x in s:  high>high\n Risk acceptance: [+Accepted until 2027-01-31 by Noor Haddad: It is small.+]"},
		"nothing and nothing": {review.Snapshot{}, review.Snapshot{}, "Nothing changed.", ""},
	} {
		got := review.CompareRounds(c.earlier, c.later)
		if told(got) != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, told(got), c.want)
		}
		if got.Sentence() != c.sentence {
			t.Errorf("%s: %q, want %q", name, got.Sentence(), c.sentence)
		}
	}
}

func TestCompareReadsRounds(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	none, err := w.reviews.Compare(t.Context(), w.asha, review.RoundRef{}, review.RoundRef{ReviewID: r.ID})
	if err != nil || none.From != nil || none.To.Number != 1 {
		t.Fatalf("a first round compares with %+v: %v", none.From, err)
	}
	w.answerAll(w.asha, r.ID, false)
	submitted := w.submit(r.ID)
	in := review.DecideInput{ReviewID: r.ID, Content: hex.EncodeToString(submitted.Round.ContentSHA256), Outcome: review.NoGo, Reason: "Too much is missing."}
	if _, err := w.decide(w.noor, in); err != nil {
		t.Fatal(err)
	}

	sheet := w.sheet(r.ID)
	w.answer(w.mika, r.ID, sheet.Entries()[0], true)
	c, err := w.reviews.Compare(t.Context(), w.vera, review.RoundRef{}, review.RoundRef{ReviewID: r.ID})
	if err != nil {
		t.Fatal(err)
	}
	if c.From.Number != 1 || c.From.Outcome != review.NoGo || c.To.State != review.Draft || c.Improved != 1 || len(c.Sections) != 1 {
		t.Errorf("round 1 (%s) to the draft of round 2: %s", c.From.Outcome, c.Sentence())
	}
	if got := c.Sections[0].Questions[0]; got.Key != sheet.Entries()[0].Key() || len(got.Ticked) == 0 {
		t.Errorf("what changed is %+v", got)
	}
	w.answerAll(w.mika, r.ID, true)
	readout, err := w.reviews.Readout(t.Context(), w.noor, w.submit(r.ID).ID)
	if err != nil {
		t.Fatal(err)
	}
	since, err := w.reviews.SinceDecision(t.Context(), w.noor, readout)
	if err != nil || since == nil || since.Decided.Number != 1 || since.Improved != len(sheet.Entries()) {
		t.Errorf("since the last decision: %+v, %v", since, err)
	}

	// A change is another subject; the whole workload's decisions are none of its own.
	change := w.start(review.StartInput{ChangeKey: "CHG-1", ChangeTitle: "New sheet"})
	first, err := w.reviews.Compare(t.Context(), w.asha, review.RoundRef{}, review.RoundRef{ReviewID: change.ID})
	if err != nil || first.From != nil || len(first.Rounds) != 3 {
		t.Errorf("a first round of a change compares with %+v of %d rounds: %v", first.From, len(first.Rounds), err)
	}
	across, err := w.reviews.Compare(t.Context(), w.asha, review.RoundRef{ReviewID: r.ID, Number: 1}, review.RoundRef{ReviewID: change.ID, Number: 1})
	if err != nil || across.From.ReviewID != r.ID || across.Empty() {
		t.Errorf("two reviews: %+v, %v", across.From, err)
	}
	newest, err := w.reviews.Compare(t.Context(), w.asha, review.RoundRef{ReviewID: r.ID}, review.RoundRef{ReviewID: change.ID})
	if err != nil || newest.From.Number != 2 {
		t.Errorf("the newest round of another review: %+v, %v", newest.From, err)
	}
}

func TestCompareRefuses(t *testing.T) {
	w := newWorld(t, 2)
	r := w.start(review.StartInput{})
	secret := w.workload("secret", 2, true)
	hidden, err := w.reviews.Start(t.Context(), w.asha, secret.ID, review.StartInput{Type: "new-service"})
	if err != nil {
		t.Fatal(err)
	}
	ref := func(id uuid.UUID, n int) review.RoundRef { return review.RoundRef{ReviewID: id, Number: n} }
	for name, c := range map[string]struct {
		who      int
		from, to review.RoundRef
		kind     fault.Kind
		words    string
	}{
		"unknown review":         {0, review.RoundRef{}, ref(uuid.New(), 1), fault.NotFound, "no such review"},
		"unknown other":          {0, ref(uuid.New(), 1), ref(r.ID, 1), fault.NotFound, "no such review"},
		"no such round":          {0, review.RoundRef{}, ref(r.ID, 2), fault.NotFound, "no such round"},
		"no such earlier round":  {0, ref(r.ID, 7), ref(r.ID, 1), fault.NotFound, "no such round"},
		"two workloads":          {0, ref(hidden.ID, 1), ref(r.ID, 1), fault.Invalid, "two workloads"},
		"restricted":             {1, review.RoundRef{}, ref(hidden.ID, 1), fault.NotFound, "no such review"},
		"restricted as earlier":  {1, ref(hidden.ID, 1), ref(r.ID, 1), fault.NotFound, "no such review"},
		"restricted, both sides": {1, ref(hidden.ID, 1), ref(hidden.ID, 1), fault.NotFound, "no such review"},
	} {
		who := w.asha
		if c.who == 1 {
			who = w.vera
		}
		_, err := w.reviews.Compare(t.Context(), who, c.from, c.to)
		if !fault.Is(err, c.kind) || !strings.Contains(fault.MessageOf(err), c.words) {
			t.Errorf("%s: got %v, want %q", name, err, c.words)
		}
	}
	if c, err := w.reviews.Compare(t.Context(), w.vera, review.RoundRef{}, ref(r.ID, 1)); err != nil || slices.ContainsFunc(c.Rounds, func(o review.RoundOption) bool { return o.ReviewID == hidden.ID }) {
		t.Errorf("rounds of the hidden workload are listed: %v", err)
	}
}
