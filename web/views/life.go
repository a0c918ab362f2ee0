package views

import (
	"time"

	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
	"orrery/web/views/ui"
)

// LifePage shows what retiring, bringing back or moving a workload would do.
type LifePage struct {
	Workload    workload.Workload
	Reviews     []review.Line      // open
	Items       []remediation.Item // unfinished
	Closed      int                // items that its retirement closed
	Acceptances int                // asked for or running
	Collecting  bool               // evidence is being collected now
	Teams       []ui.Option        // of a move: all but its own
	Input       review.LifeInput   // as typed
	Now         time.Time
}

func (l LifePage) path() string { return "/workloads/" + l.Workload.Key }

// owners counts the unfinished items by who owns them, in the order of the items.
func (l LifePage) owners() (list []ui.Count) {
	at := map[string]int{}
	for _, it := range l.Items {
		i, known := at[it.OwnerName]
		if !known {
			i, at[it.OwnerName] = len(list), len(list)
			list = append(list, ui.Count{Text: it.OwnerName})
		}
		list[i].Figure++
	}
	return list
}

// submitted counts the open reviews that wait for a decision.
func (l LifePage) submitted() (n int) {
	for _, r := range l.Reviews {
		if r.RoundState == review.Submitted {
			n++
		}
	}
	return n
}

func (l LifePage) stages() []ui.Option {
	return ui.Selected([]ui.Option{
		{Value: workload.Planned, Text: "Planned", Hint: "Not in production yet."}, {Value: workload.Live, Text: "Live", Hint: "Takes production traffic."},
	}, l.Input.Stage)
}

// RetiredWords say what ended with a workload.
func RetiredWords(r review.Retired) string {
	return counted(r.Reviews, "review", "reviews") + " cancelled, " + counted(r.Items, "item", "items") + " closed, " + counted(r.Acceptances, "acceptance", "acceptances") + " ended."
}

// BackWords say what came back with a workload.
func BackWords(items int) string {
	return counted(items, "item is", "items are") + " open again; its reviews stay cancelled."
}

// MovedWords say what the move did to the rounds that waited for a decision.
func MovedWords(returned int) string {
	if returned == 0 {
		return "Its reviews, items and evidence went along."
	}
	return "Its reviews, items and evidence went along; " + counted(returned, "round is", "rounds are") + " a draft again."
}

// CancelPage asks why a review ends.
type CancelPage struct {
	Review review.Review
	Reason string
}
