package questionnaire_test

import (
	"testing"

	"orrery/internal/questionnaire"
)

// Beside the word of the risk an explanation does not say the word again.
func TestExplanationBesideItsRisk(t *testing.T) {
	for _, c := range []struct {
		risk         questionnaire.Risk
		given, wants string
	}{
		{questionnaire.RiskHigh, "High: the core choice “A” is not ticked. Ticking “A” leads to medium.", "The core choice “A” is not ticked. Ticking “A” leads to medium."},
		{questionnaire.RiskNone, "No risk found: all choices are ticked.", "All choices are ticked."},
		{questionnaire.RiskHigh, "High: “None of these” is ticked.", "“None of these” is ticked."},
		{questionnaire.RiskHigh, "Not knowing counts as high until someone finds out.", "Not knowing counts as high until someone finds out."},
		{questionnaire.RiskMedium, "High: something else.", "High: something else."},
		{questionnaire.RiskHigh, "High: ", "High: "},
		{questionnaire.RiskHigh, "", ""},
	} {
		if got := c.risk.Beside(c.given); got != c.wants {
			t.Errorf("%s beside %q: %q, want %q", c.given, c.risk, got, c.wants)
		}
	}
}
