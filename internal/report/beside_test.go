package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/internal/discussion"
	"orrery/internal/report/tagged/taggedtest"
	"orrery/internal/review"
)

// besideOf is everything that can stand beside a round, in one text.
func besideOf(s string) review.Beside {
	at := printed.Add(-time.Hour)
	later := printed.Add(time.Hour)
	target := s + "/" + s + "/" + s
	return review.Beside{
		Revoked: &review.Revocation{Reason: s, RevokedBy: s, RevokedAt: at}, Followed: true, HoldsFrom: &at,
		Conditions: []review.Condition{{Text: s, Owner: s, ItemState: s}},
		Next:       &review.NextRound{Number: 3, State: s, Outcome: s, OpenedAt: at},
		Emergencies: []review.EmergencyGo{
			{Reason: s, Ticket: s, DecidedBy: s, DecidedAt: at, EndsAt: later}, {Reason: s, DecidedBy: s, EndsAt: at, RevokedBy: s, RevokedReason: s, RevokedAt: &at},
		},
		Elsewhere: []review.OutsideDecision{{Outcome: s, DecidedBy: s, Note: s, RecordedBy: s, Verdicts: []review.OutsideVerdict{{Verdict: review.Refused, GivenBy: s}}}},
		Talk: []discussion.Thread{
			{TargetID: target, Kind: discussion.Challenge, State: s, Starter: s, Mover: s, MovedAt: &at, Comments: []discussion.Said{{Author: s, Body: s}, {Author: s, RemovedAt: &at}}},
			{TargetID: s, Kind: s, State: s, Starter: s, Comments: []discussion.Said{{Author: s, Body: s, Answers: true, EditedAt: &at}}},
		},
		Brought: []discussion.Attachment{
			{TargetID: target, Name: s, Description: s, Choice: s, URL: s, Adder: s, RemovedAt: &at, Remover: s}, {TargetID: s, Name: s, Size: 1, SHA256: []byte(s)},
		},
	}
}

// stamped are the words that are drawn beside the text of every page.
func stamped(t *testing.T, f *taggedtest.File, word string) {
	t.Helper()
	for i, page := range f.Pages {
		if !strings.Contains(page.Artifacts, word) {
			t.Errorf("page %d is not stamped %s", i+1, word)
		}
	}
}

func TestWhatBecameOfTheDecision(t *testing.T) {
	in := decided()
	in.Beside.Revoked = &review.Revocation{Reason: "The restore of 20 November was never seen.", RevokedBy: "Tomas Berg", RevokedAt: printed.Add(-2 * time.Hour)}
	in.Beside.Next = &review.NextRound{Number: 3, State: review.Draft, OpenedAt: printed.Add(-time.Hour)}
	in.Beside.Conditions = []review.Condition{{Text: "Rollback starts without a person.", ItemState: "in_progress", Owner: "Mika Laine"}}
	for _, extent := range []Extent{Full, ReadoutOnly, RisksOnly} {
		in.Extent = extent
		f := pdf(t, in)
		stamped(t, f, "REVOKED")
		wantSaid(t, said(f), "Conditional go, revoked", "By Tomas Berg on 21 November 2026, 12:05 UTC. The restore of 20 November was never seen.",
			"Round 3", "Opened on 21 November 2026, 13:05 UTC. It is a draft.")
	}
	in.Extent = Full
	text := said(pdf(t, in))
	wantSaid(t, text, "Since then, as of printing", "Condition, as of printing", "In progress")
	if strings.Count(text, "The restore of 20 November was never seen.") != 2 {
		t.Error("the reason is not both on the cover and in the record")
	}

	in = decided()
	in.PrintedAt = time.Date(2027, 11, 25, 9, 0, 0, 0, time.UTC)
	holds := time.Date(2027, 12, 4, 16, 40, 0, 0, time.UTC)
	in.Beside.HoldsFrom = &holds
	f := pdf(t, in)
	stamped(t, f, "ENDED")
	wantSaid(t, said(f), "Conditional go, ended", "On 20 November 2027, 16:40 UTC. It still stands, with a warning, until 4 December 2027, 16:40 UTC.")
	in.PrintedAt = holds.Add(time.Hour)
	wantSaid(t, said(pdf(t, in)), "It holds launches since 4 December 2027, 16:40 UTC.")

	in = decided()
	in.Beside.Followed = true
	wantSaid(t, said(pdf(t, in)), "Another decision governs launches of this subject now.")
}

func TestAnEmergencyIsPrintedOnEveryPage(t *testing.T) {
	in := draft()
	in.Beside.Emergencies = []review.EmergencyGo{{
		Reason: "The old payment page loses money.", Ticket: "https://tickets.example.com/1", DecidedBy: "Noor Haddad", DecidedAt: printed.Add(-time.Hour), EndsAt: printed.Add(48 * time.Hour),
	}}
	f := pdf(t, in)
	stamped(t, f, "EMERGENCY")
	wantSaid(t, said(f), "EMERGENCY go, not decided", "Let through by Noor Haddad until 23 November 2026, 14:05 UTC.",
		"The old payment page loses money.", "https://tickets.example.com/1")

	ended := printed.Add(-time.Minute)
	in.Beside.Emergencies[0].RevokedAt, in.Beside.Emergencies[0].RevokedBy, in.Beside.Emergencies[0].RevokedReason = &ended, "Tomas Berg", "It is mended"
	f = pdf(t, in)
	text := said(f)
	wantSaid(t, text, "Not decided: draft", "Emergency go, ended early", "Ended by Tomas Berg on 21 November 2026, 14:04 UTC: It is mended.")
	if strings.Contains(text, "EMERGENCY") || strings.Contains(f.Pages[0].Artifacts, "EMERGENCY") {
		t.Error("an emergency go that is over is still printed as running")
	}
}

func TestDecisionsMadeElsewhereArePrinted(t *testing.T) {
	in := draft()
	day := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	o := review.OutsideDecision{Outcome: review.Go, DecidedOn: day, DecidedBy: "The launch board", ValidUntil: day.AddDate(1, 0, 0), RecordedBy: "Asha Rao"}
	in.Beside.Elsewhere = []review.OutsideDecision{o}
	wantSaid(t, said(pdf(t, in)), "Decided elsewhere", "Go, decided by The launch board on 4 May 2026, valid until 4 May 2027. Recorded by Asha Rao. Nobody has confirmed it, so it does not count.")
	in.Beside.Elsewhere[0].Verdicts = []review.OutsideVerdict{{Verdict: review.Confirmed, GivenBy: "Noor Haddad", GivenAt: day.AddDate(0, 1, 0)}}
	wantSaid(t, said(pdf(t, in)), "Confirmed by Noor Haddad on 4 June 2026.")
	in.Beside.Elsewhere[0].Verdicts = append(in.Beside.Elsewhere[0].Verdicts, review.OutsideVerdict{Verdict: review.Refused, GivenBy: "Tomas Berg", GivenAt: day.AddDate(0, 2, 0)})
	wantSaid(t, said(pdf(t, in)), "Refused by Tomas Berg on 4 July 2026, so it does not count.")
}

func TestCommentsArePrintedWhenAsked(t *testing.T) {
	in := decided()
	id := in.Snapshot.Review.ID
	at := printed.Add(-time.Hour)
	in.Beside.Talk = []discussion.Thread{
		{TargetID: id + "/orr/REL09", Kind: discussion.Challenge, State: discussion.Answered, Starter: "Fay Okoro", StartedAt: at, Mover: "Asha Rao", MovedAt: &at, Comments: []discussion.Said{
			{Author: "Fay Okoro", Body: "Was the restore **complete**?", WrittenAt: at}, {Author: "Asha Rao", Body: "Yes, of all of it.", Answers: true, WrittenAt: at}, {Author: "Mika Laine", RemovedAt: &at, WrittenAt: at},
		}},
		{TargetID: id, Kind: discussion.Comment, State: discussion.Open, Starter: "Vera Lind", StartedAt: at, Comments: []discussion.Said{{Author: "Vera Lind", Body: "When is the meeting?", WrittenAt: at}}},
	}
	asked := []string{"Challenge, answered and not resolved", "Begun by Fay Okoro, 21 November 2026, 13:05 UTC; last moved by Asha Rao", "Was the restore complete?", "answers the challenge",
		"The author removed this comment on 21 November 2026.", "Brought and said about the review", "When is the meeting?"}
	text := said(pdf(t, in))
	for _, words := range asked {
		if strings.Contains(text, words) {
			t.Errorf("%q is printed and nobody asked", words)
		}
	}
	in.Comments = true
	wantSaid(t, said(pdf(t, in)), asked...)
	in.Extent = RisksOnly
	if strings.Contains(said(pdf(t, in)), "Was the restore complete?") {
		t.Error("the risks have comments")
	}
}

func TestFilesAndLinksArePrintedBesideTheirQuestion(t *testing.T) {
	in := decided()
	id := in.Snapshot.Review.ID
	day := time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)
	in.Beside.Brought = []discussion.Attachment{
		{TargetID: id + "/orr/REL09", Name: "drill.pdf", Description: "The log of the drill.", Choice: "REL09_2", Dated: day, Size: 1_300_000, SHA256: []byte{0x9f, 0x3c, 0x1d, 5, 6, 7, 8}, Adder: "山田太郎", AddedAt: day},
		{TargetID: id + "/orr/REL09", Name: "Dashboard", URL: "https://dash.example.com/restore?x=1", Dated: day, Adder: "Asha Rao", AddedAt: day, RemovedAt: &day, Remover: "Mika Laine"},
		{TargetID: id + "/orr/REL09", Name: "We restored the ledger together.", Dated: day.AddDate(-2, 0, 0), Adder: "Asha Rao", AddedAt: day},
		{TargetID: id, Name: "minutes.txt", Dated: day, Size: 900, SHA256: []byte{1, 2}, Adder: "Asha Rao", AddedAt: day},
	}
	f := pdf(t, in)
	wantSaid(t, said(f), "Files, links and statements that people brought", "drill.pdf", "The log of the drill.", "Bears on: A restore is timed against the recovery objective", "1.2 MB, SHA-256 9f3c1d050607",
		"30 Oct 2026", "Dashboard", "Removed since, by Mika Laine on 30 October 2026", "We restored the ledger together.", "Statement, without a file or a link", "30 Oct 2024 Stale: more than a year old", "Brought and said about the review", "minutes.txt", "900 bytes", "No hash covers what happened since")
	var out []string
	for _, link := range f.Root.All("Link") {
		out = append(out, link.Links...)
	}
	if !slices.Contains(out, "https://dash.example.com/restore?x=1") {
		t.Error("the link leads nowhere")
	}
}
