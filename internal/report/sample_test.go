package report

import (
	"fmt"
	"strings"
	"time"

	"orrery/internal/review"
)

var printed = time.Date(2026, 11, 21, 14, 5, 9, 0, time.UTC)

const (
	contentSum = "9f3c1d5b0a77e2c4418fd8a26b0c93e7d5a1f64e0b8c2d3e4f5061728394e41a"
	sealSum    = "0b8c2d3e4f5061728394e41a9f3c1d5b0a77e2c4418fd8a26b0c93e7d5a1f64e"
)

// longNotes uses all that notes may hold.
const longNotes = `Drill on **30 October** restored ` + "`settlements`" + ` into *recovery-test* in 38 minutes. The whole database was last restored on 3 July; the
result is in [the drill log](https://wiki.example.com/drills/2026-10?view=full&tab=timeline) and at https://status.example.com/history.

## What is left

1. Restore the ledger from the other account, with its own keys.
2. Time it against the recovery objective:
   - 5 minutes of data
   - 4 hours of service
3. Write down who may start it, and ~~ask the manager~~ page the on-call engineer.

> The last drill restored one table. Is that a restore?
>
> It is not. The full one is booked.

` + "```" + `
aws backup start-restore-job \
    --recovery-point-arn arn:aws:backup:eu-west-1:441022987153:recovery-point:1EB3B5E7-9EB0-435A-A80B-108B488B0D45 \
	--metadata file://restore.json
` + "```" + `

| Vault | Locked | Last restore |
|---|---|---|
| ledger | yes | 3 July 2026 |
| ledger-dr | **no** | never |

- [x] Alarms on failed copies
- [ ] Alarm on a missing copy <script>alert(1)</script>
`

func snapshotOf(sections ...review.SnapshotSection) review.Snapshot {
	return review.Snapshot{
		Schema: 1, Organisation: "Acme",
		Workload: review.SnapshotWorkload{
			ID: "01930f6a-7c1e-7d2a-9b1c-0242ac120002", Key: "payments", Name: "Payments", Team: "Storefront", Tier: 1, Stage: "planned",
			LaunchOn: "2026-12-01", Accounts: []string{"441022987153", "550133098264", "661244109375"},
			Regions: []string{"eu-central-1", "eu-west-1"}, Tags: []string{"service=payments", "env=production"},
		},
		Review: review.SnapshotReview{
			ID: "01930f6a-7c1e-7d2a-9b1c-0242ac120003", Type: "new-service", TypeName: "New service review", Round: 2, Submission: 1,
			SubmittedBy: "Mika Laine", SubmittedAt: "2026-11-19T10:02:11Z",
		},
		Questionnaires: []review.SnapshotQuestionnaire{
			{Key: "orr", Name: "Operational readiness", Version: "2.1.0", SHA256: contentSum},
			{Key: "acme", Name: "Acme add-on", Version: "7.0.0", SHA256: sealSum},
		},
		Sections: sections,
	}
}

func sectionOf(questionnaire, id, name string, questions ...review.SnapshotQuestion) review.SnapshotSection {
	return review.SnapshotSection{Questionnaire: questionnaire, ID: id, Name: name, Questions: questions}
}

// answered is a question with ordinary texts and the risk. Its first choices are ticked.
func answered(id, title, risk string, ticked int) review.SnapshotQuestion {
	q := review.SnapshotQuestion{
		ID: id, Title: title, Required: true, Risk: risk,
		Description: "A backup nobody restored is a hope. This question asks whether the loss of data and of time that the business accepts was ever seen in a drill.",
		Why:         "Backups fail in silence: a key that is gone, a copy that stopped, a table that was added later and never included.",
		Good:        "A restore of the whole system is rehearsed each quarter by the people who are on call, and timed.",
		Bring:       []string{"The date and result of the last two drills", "The runbook", "The alarm on failed copies"},
		AnsweredBy:  "Asha Rao", AnsweredAt: "2026-11-18T14:32:00Z",
		Explanation: map[string]string{
			"high":   "The core choice \"A restore is timed against the recovery objective\" is not ticked.",
			"medium": "All core choices are ticked, and one extra choice is not.",
			"none":   "All choices are ticked.",
		}[risk],
	}
	for i, title := range []string{
		"Restores are rehearsed at least every quarter", "A restore is timed against the recovery objective",
		"Backups lie in another account, with their own keys", "An alarm tells when a copy fails or is late",
	} {
		q.Choices = append(q.Choices, review.SnapshotChoice{
			ID: fmt.Sprintf("%s_%d", id, i+1), Title: title, Weight: []string{"core", "core", "alternative", "extra"}[i], Chosen: i < ticked,
			FirstStep: "Ask Platform for a recovery account; it takes one day.",
		})
	}
	return q
}

func unanswered(id, title string) review.SnapshotQuestion {
	q := answered(id, title, "unanswered", 0)
	q.AnsweredBy, q.AnsweredAt, q.Explanation = "", "", ""
	return q
}

func verdict(q review.SnapshotQuestion, word string, against bool, failing int) review.SnapshotVerdict {
	v := review.SnapshotVerdict{
		Check: "vaults-locked", Choice: q.ID + "_3", Claim: "Vaults are locked and in another account", Source: "securityhub.control", Key: "Backup.3",
		Verdict: word, Against: against, Detail: "2 of 3 accounts meet it.", Passed: 12, Failed: failing, NotEvaluated: 1, AsOf: "2026-11-19T04:10:00Z",
	}
	for i := range failing {
		v.Failing = append(v.Failing, review.SnapshotFailing{
			Resource: fmt.Sprintf("arn:aws:backup:eu-west-1:441022987153:backup-vault:vault-ledger-disaster-recovery-%02d", i+1),
			Account:  "441022987153", Region: "eu-west-1", Note: []string{"not locked", "the key is of the same account", ""}[i%3],
		})
	}
	return v
}

// decided is a sealed round with everything in it.
func decided() Input {
	restore := answered("REL09", "How do you know a restore works?", "high", 1)
	restore.Notes = longNotes
	restore.Evidence = []review.SnapshotVerdict{
		verdict(restore, "mixed", true, 40), verdict(restore, "stale", false, 0), verdict(restore, "cannot_tell", false, 0), verdict(restore, "supports", false, 0),
	}
	restore.Evidence[2].Detail, restore.Evidence[2].AsOf, restore.Evidence[2].Passed = "Access was denied to backup:ListProtectedResources in the DR account.", "", 0
	alarms := answered("OPS04", "Does an alarm reach a person who can act, at any hour?", "medium", 3)
	alarms.Evidence = []review.SnapshotVerdict{verdict(alarms, "contradicts", true, 2)}
	alarms.Evidence[0].Failed = 14
	words := answered("OPS05", "Which names are hard? "+strings.Repeat("Antidisestablishmentarianism", 8), "none", 4)
	words.Notes = strings.Repeat("0123456789abcdef", 40) + "\n\n" + "/very/long/path/without/any/space/" + strings.Repeat("segment/", 30)
	people := answered("OPS06", "Who is on call: 山田太郎, محمد الأمين, Łukasz Żółć, Ελένη Παπαδοπούλου, Ольга?", "none", 4)
	people.AnsweredBy, people.Notes = "山田太郎", "Thumbs up \U0001F44D\U0001F3FD from 李小龙 and محمد. Zażółć gęślą jaźń \U0001F9D1\u200D\U0001F4BB. Direction: \u202Egnp.exe\u202C."
	notApplicable := answered("SEC03", "Are card numbers kept out of logs?", "not_applicable", 0)
	notApplicable.NotApplicable, notApplicable.Reason = true, "Payments never sees a card number: the provider's page takes it and returns a token."
	unknown := answered("SEC04", "When do certificates and keys end?", "high", 0)
	unknown.Unknown, unknown.Explanation = true, "Nobody knows the answer, which counts as high."
	partly := answered("DEP02", "Is the card network call bounded?", "medium", 2)
	partly.Choices[2].NotApplicable, partly.Choices[2].Reason = true, "There is one card network."
	unmatched := answered("DEP03", "What happens when the ledger is slow?", "unmatched", 2)
	unmatched.Explanation = "No rule of the question fits what is ticked."
	unmatched.Required = false

	in := Input{
		Snapshot: snapshotOf(
			sectionOf("orr", "data", "Data and recovery", restore, answered("REL10", "Who may delete data?", "none", 4),
				answered("REL11", "Can you roll back without a person?", "high", 0), unanswered("REL12", "How long are logs kept?")),
			sectionOf("orr", "operations", "Operations", alarms, words, people, answered("OPS07", "Is each change reviewed and reversible?", "medium", 2)),
			sectionOf("orr", "security", "Security", notApplicable, unknown, answered("SEC05", "Who can reach production, and who sees that they did?", "none", 4)),
			sectionOf("acme", "dependencies", "Dependencies of the payment flow and of everything behind it", partly, unmatched,
				answered("DEP04", "Do you know the limits of what you call?", "none", 4), answered("DEP05", "Is there a plan for a lost Region?", "high", 1)),
		),
		State: review.Sealed, ContentSHA256: contentSum, SealSHA256: sealSum, URL: "https://orrery.example.com/reviews/01930f6a-7c1e-7d2a-9b1c-0242ac120003/rounds/2",
		PrintedAt: printed,
	}
	in.Snapshot.Review.ChangeKey, in.Snapshot.Review.ChangeTitle, in.Snapshot.Review.ChangeTicket = "CHG-4471", "New payment sheet", "PAY-318"
	in.Seal = &review.Seal{
		Schema: 1, ContentSHA256: contentSum, Items: items(), SignOffs: signOffs(),
		Decision: review.SealedDecision{
			Outcome: review.Conditional, DecidedBy: "Noor Haddad", DecidedAt: "2026-11-20T16:40:00Z", ValidUntil: "2027-11-20T16:40:00Z",
			Reason: "The drill convinced me that a restore works. Rollback by hand took 22 minutes in the last drill, which is too long for the peak, so it must start without a person before launch.",
			Conditions: []review.SealedCondition{
				{Text: "Failover to the second Region is rehearsed with the provider.", Timing: "after_launch", Owner: "Sara Lind", DueOn: "2027-01-31"},
				{Text: "Rollback starts without a person.", Timing: "before_launch", Owner: "Mika Laine", DueOn: "2026-12-01"},
				{Text: "Every alarm of the payment flow has an action that reaches the on-call engineer, and was seen to do so.", Timing: "before_launch", Owner: "Asha Rao", DueOn: "2026-11-28"},
			},
		},
		Evidence: []review.SealedNewProof{{Question: "orr/OPS04", Check: "alarm-actions", Before: "supports", Now: "contradicts"}},
	}
	return in
}

func items() []review.SealedItem {
	return []review.SealedItem{
		{ID: "1", Title: "How do you know a restore works?", Cause: "question", Risk: "high", Owner: "Sara Lind", DueOn: "2026-12-01", State: "in_progress"},
		{ID: "2", Title: "Can you roll back without a person?", Cause: "question", Risk: "high", Owner: "Mika Laine", DueOn: "2026-12-09", State: "open"},
		{ID: "3", Title: "When do certificates and keys end?", Cause: "question", Risk: "high", Owner: "山田太郎", DueOn: "2026-12-05", State: "open"},
		{ID: "4", Title: "Rollback starts without a person.", Cause: "condition", Risk: "high", Timing: "before_launch", Owner: "Mika Laine", DueOn: "2026-12-01", State: "done"},
		{ID: "5", Title: "Tidy the dashboard of the payment flow so that the on-call engineer finds what matters in the first minute", Cause: "manual", Risk: "none", Owner: "Asha Rao", DueOn: "2027-02-01", State: "open"},
	}
}

func signOffs() []review.SealedSignOff {
	return []review.SealedSignOff{
		{Person: "Noor Haddad", Voice: review.Agree, Note: "The rollback drill convinced me.", OutsideTeam: true, SignedAt: "2026-11-20T09:00:00Z"},
		{Person: "Tomas Berg", Voice: review.Object, Note: "Two Regions were never lost at once in a drill. I would wait.", SignedAt: "2026-11-20T11:30:00Z"},
	}
}

// draft is a round in which nothing is answered, of made-up data.
func draft() Input {
	var list []review.SnapshotQuestion
	for i := range 8 {
		list = append(list, unanswered(fmt.Sprintf("OPS%02d", i+1), fmt.Sprintf("Question %d that nobody has answered yet", i+1)))
	}
	in := Input{
		Snapshot: snapshotOf(sectionOf("orr", "operations", "Operations", list[:5]...), sectionOf("orr", "security", "Security", list[5:]...)),
		State:    review.Draft, URL: "http://localhost:8080/reviews/1", PrintedAt: printed, Sample: true,
	}
	in.Snapshot.Workload.LaunchOn, in.Snapshot.Workload.Accounts, in.Snapshot.Workload.Regions, in.Snapshot.Workload.Tags = "", nil, nil, nil
	in.Snapshot.Review.SubmittedBy, in.Snapshot.Review.SubmittedAt, in.Snapshot.Review.Submission = "", "", 0
	return in
}

// long is a submitted round of n questions in sections of about twelve.
func long(n int) Input {
	risks := []string{"none", "high", "medium", "none", "none", "not_applicable", "unanswered"}
	var list []review.SnapshotSection
	for i := range n {
		if i%12 == 0 {
			list = append(list, sectionOf("orr", fmt.Sprint("s", i), fmt.Sprintf("Section of questions %d to %d", i+1, min(n, i+12))))
		}
		risk := risks[i%len(risks)]
		q := answered(fmt.Sprintf("Q%03d", i+1), fmt.Sprintf("Is practice number %d followed when it matters?", i+1), risk, i%5)
		if risk == "not_applicable" {
			q.NotApplicable, q.Reason = true, "It does not exist here."
		}
		if risk == "unanswered" {
			q = unanswered(q.ID, q.Title)
		}
		if i%3 == 0 {
			q.Notes = "Seen in the drill of **October**. The log is at https://wiki.example.com/drills and holds:\n\n- the time\n- the result"
			q.Evidence = []review.SnapshotVerdict{verdict(q, []string{"supports", "contradicts", "mixed"}[i%9/3], i%9 == 3, i%9)}
		}
		last := &list[len(list)-1]
		last.Questions = append(last.Questions, q)
	}
	return Input{
		Snapshot: snapshotOf(list...), State: review.Submitted, ContentSHA256: contentSum, SignOffs: signOffs()[:1], Items: items(),
		URL: "https://orrery.example.com/reviews/1", PrintedAt: printed,
	}
}
