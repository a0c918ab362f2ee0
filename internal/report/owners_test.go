package report

import (
	"testing"

	"orrery/internal/review"
)

const twiceAsked = "How do you know a restore works?"

// askedTwice asks one title in two sets, with an acceptance asked for the second.
func askedTwice(items ...review.SealedItem) Input {
	in := decided()
	first, second, alone := answered("REL09", twiceAsked, "high", 1), answered("OWN01", twiceAsked, "medium", 1), answered("SEC04", "When do certificates end?", "high", 1)
	accept := answered("OWN02", twiceAsked, "high", 1)
	in.Snapshot.Sections = []review.SnapshotSection{sectionOf("orr", "data", "Data", first, alone), sectionOf("acme", "own", "Own", second, accept)}
	in.Seal.Items, in.Seal.Evidence = items, nil
	in.Seal.Acceptances = []review.SnapshotAcceptance{{Question: "acme/OWN02", State: "asked", Until: "2027-04-01"}}
	return in
}

// ownersIn are the owners that the table of risks names, by question.
func ownersIn(t *testing.T, in Input) map[string]string {
	t.Helper()
	owners := map[string]string{}
	for _, row := range rows(t, RisksCSV, in)[1:] {
		owners[row[6]+"/"+row[8]] = row[14] + row[15] + row[16]
	}
	return owners
}

func item(key, title, owner string) review.SealedItem {
	return review.SealedItem{ID: owner, Key: key, Title: title, Cause: "question", Risk: "high", Owner: owner, DueOn: "2027-01-01", State: "open"}
}

// A title that two sets have names the owner of neither but by the key of the question.
func TestOwnersAreThoseOfTheQuestion(t *testing.T) {
	const of = "2027-01-01open"
	for name, c := range map[string]struct {
		items []review.SealedItem
		want  map[string]string
		says  string
	}{
		"keys": {
			[]review.SealedItem{item("orr/REL09", twiceAsked, "Ann"), item("acme/OWN01", twiceAsked, "Ben"), item("orr/SEC04", "An older title", "Eve"), item("orr/GONE", twiceAsked, "Zoe")},
			map[string]string{"orr/REL09": "Ann" + of, "acme/OWN01": "Ben" + of, "acme/OWN02": "", "orr/SEC04": "Eve" + of},
			"Asked to accept",
		},
		"one of the two": {
			[]review.SealedItem{item("orr/REL09", twiceAsked, "Ann")},
			map[string]string{"orr/REL09": "Ann" + of, "acme/OWN01": "", "acme/OWN02": "", "orr/SEC04": ""},
			"No owner yet",
		},
		"a seal without keys": {
			[]review.SealedItem{item("", twiceAsked, "Ann"), item("", "When do certificates end?", "Eve")},
			map[string]string{"orr/REL09": "", "acme/OWN01": "", "acme/OWN02": "", "orr/SEC04": "Eve" + of},
			"See the items",
		},
		"two items of one title, without keys": {
			[]review.SealedItem{item("", "When do certificates end?", "Ann"), item("", "When do certificates end?", "Eve")},
			map[string]string{"orr/REL09": "", "acme/OWN01": "", "acme/OWN02": "", "orr/SEC04": ""},
			"See the items",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := askedTwice(c.items...)
			got := ownersIn(t, in)
			for question, want := range c.want {
				if got[question] != want {
					t.Errorf("%s is of %q, want %q", question, got[question], want)
				}
			}
			in.Extent = ReadoutOnly
			wantSaid(t, said(pdf(t, in)), c.says)
		})
	}
}
