package web_test

import "testing"

// The pages of the Well-Architected Tool in a browser: the offer, the dry run, the question.
func TestToolLooksRight(t *testing.T) {
	r := toolReviewed(t)
	r.asha.collect("payments")
	asha := r.look(r.asha)
	asha.open("/workloads/payments/edit")
	asha.judge("tool-scope")
	asha.open(r.path)
	asha.wants("The Well-Architected Tool has answers")
	asha.press(`a[href$="/tool"]`)
	asha.wants("1 question gets a draft")
	asha.judge("tool-draft")
	asha.press(`main form button.btn-primary`)
	asha.wants("1 answer is taken as a draft")
	asha.open(r.path + "/q/well-architected/OPS01")
	asha.wants("The ticks are taken from payments")
	asha.judge("tool-question")
}
