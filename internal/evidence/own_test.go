package evidence_test

import (
	"testing"
	"time"

	"orrery/internal/evidence"
	"orrery/internal/questionnaire"
)

func TestJudgeOwn(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	one := func(state evidence.FactState, age time.Duration) evidence.OwnFact {
		return evidence.OwnFact{State: state, Title: "Seen.", Reporter: "nightly", ObservedAt: now.Add(-age), ValidUntil: now.Add(-age + 48*time.Hour)}
	}
	pass, fail, unknown := one(evidence.Pass, time.Hour), one(evidence.Fail, 2*time.Hour), one(evidence.Unknown, time.Hour)
	oldPass, oldFail := one(evidence.Pass, 72*time.Hour), one(evidence.Fail, 72*time.Hour)
	check := func(expect, level string) questionnaire.Check {
		return questionnaire.Check{Source: "own:pipeline", Key: "x", Expect: expect, Level: level, MaxAge: 100 * time.Hour, Within: 100 * time.Hour}
	}
	for name, c := range map[string]struct {
		expect string
		level  string
		facts  []evidence.OwnFact
		state  evidence.State
		reason string
	}{
		"nothing":                     {"all_pass", "", nil, evidence.CannotTell, evidence.NotReported},
		"passes":                      {"all_pass", "", []evidence.OwnFact{pass, pass}, evidence.Supports, ""},
		"a failure":                   {"all_pass", "", []evidence.OwnFact{fail}, evidence.Contradicts, ""},
		"a failure beside":            {"all_pass", "", []evidence.OwnFact{pass, fail}, evidence.Mixed, evidence.SomeFail},
		"a failure on the account":    {"all_pass", "account", []evidence.OwnFact{pass, fail}, evidence.Contradicts, ""},
		"an old failure counts":       {"all_pass", "", []evidence.OwnFact{pass, oldFail}, evidence.Mixed, evidence.SomeFail},
		"unknown":                     {"all_pass", "", []evidence.OwnFact{pass, unknown}, evidence.CannotTell, evidence.ReportedUnknown},
		"an old pass":                 {"all_pass", "", []evidence.OwnFact{oldPass}, evidence.CannotTell, evidence.OutOfDate},
		"an old pass beside a new":    {"all_pass", "", []evidence.OwnFact{oldPass, pass}, evidence.CannotTell, evidence.OutOfDate},
		"any: one pass":               {"any_pass", "", []evidence.OwnFact{pass, fail, unknown}, evidence.Supports, ""},
		"any: an old pass":            {"any_pass", "", []evidence.OwnFact{oldPass}, evidence.CannotTell, evidence.OutOfDate},
		"any: failures":               {"any_pass", "", []evidence.OwnFact{fail, oldPass}, evidence.Contradicts, ""},
		"any: an old failure is gone": {"any_pass", "", []evidence.OwnFact{oldFail}, evidence.CannotTell, evidence.OutOfDate},
		"seen":                        {"seen_within", "", []evidence.OwnFact{pass}, evidence.Supports, ""},
		"not seen":                    {"seen_within", "", []evidence.OwnFact{oldPass}, evidence.CannotTell, evidence.OutOfDate},
		"never seen":                  {"not_seen_within", "", nil, evidence.CannotTell, evidence.NotReported},
	} {
		v := evidence.JudgeOwn(check(c.expect, c.level), c.facts, now)
		if v.Verdict != c.state || v.Reason != c.reason || v.Detail == "" {
			t.Errorf("%s: %s %q %q", name, v.Verdict, v.Reason, v.Detail)
		}
		if later := v.At(now.Add(1000*time.Hour), 0); v.Verdict != evidence.CannotTell && later != evidence.Stale {
			t.Errorf("%s: still %s after weeks", name, later)
		}
	}
	v := evidence.JudgeOwn(check("all_pass", ""), []evidence.OwnFact{pass}, now)
	if v.At(pass.ValidUntil, 0) != evidence.Supports || v.At(pass.ValidUntil.Add(time.Second), time.Hour*9999) != evidence.Stale {
		t.Errorf("it ends at %v", v.Until)
	}
}
