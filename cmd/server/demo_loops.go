package main

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"orrery/internal/incident"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// remedies shows what becomes of risks: items of "Ledger export" in each state, two that are
// accepted, one of them not for long, an item that is late, and one that ended with its
// workload.
func (d *demo) remedies() error {
	items, err := d.itemsOf("ledger-export")
	if err != nil {
		return err
	}
	if len(items) < 6 {
		return fmt.Errorf("the sample review opened %d items, six are needed", len(items))
	}
	if err := d.move(items[1], "mika", remediation.InProgress, ""); err != nil {
		return err
	}
	if err := d.move(items[2], "mika", remediation.Done, "The alarm pages the on-call person since Tuesday; the rule is in the repository."); err != nil {
		return err
	}
	if err := d.move(items[3], "mika", remediation.Done, "The restore runs each month, and its log is kept."); err != nil {
		return err
	}
	if err := d.move(items[3], "asha", remediation.Verified, ""); err != nil {
		return err
	}
	if err := d.accept(items[4], 160, "The vendor brings it with the next version.", "Two people look at the figures each morning."); err != nil {
		return err
	}
	if err := d.accept(items[5], 12, "The old file share goes away this month.", "Its free space is watched, with an alarm at 20 %."); err != nil {
		return err
	}
	return d.endings()
}

// itemsOf lists the highs of a workload by due day.
func (d *demo) itemsOf(key string) ([]remediation.Item, error) {
	list, _, err := d.services.items.List(d.ctx, d.who["asha"], remediation.Filter{WorkloadKey: key, Risk: "high"})
	return list, err
}

// move takes an item to a state, as the person would.
func (d *demo) move(it remediation.Item, who, state, resolution string) error {
	it, err := d.services.items.Item(d.ctx, d.who[who], it.ID)
	if err != nil {
		return err
	}
	if resolution == "" {
		resolution = it.Resolution
	}
	_, err = d.services.items.Change(d.ctx, d.who[who], it.ID, remediation.Change{
		Version: it.Version, OwnerID: it.OwnerID.String(), DueOn: it.DueOn.Format(time.DateOnly), State: state, Resolution: resolution,
	})
	return err
}

// accept has Mika ask for the risk behind an item to be accepted, and Noor grant it.
func (d *demo) accept(it remediation.Item, days int, reason, control string) error {
	until := d.workingDay(days)
	id, err := d.services.reviews.AskAcceptance(d.ctx, d.who["mika"], it.WorkloadKey, it.CauseKey, remediation.AskInput{Reason: reason, Control: control, Until: until})
	if err != nil {
		return err
	}
	_, err = d.services.items.Grant(d.ctx, d.who["noor"], id, remediation.GrantInput{Until: until})
	return err
}

// workingDay is the day so many days from now, or the Friday before it.
func (d *demo) workingDay(days int) string {
	day := now().AddDate(0, 0, days)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, -1)
	}
	return day.Format(time.DateOnly)
}

// endings opens an item that is late, and one whose workload retires.
func (d *demo) endings() error {
	checkout, err := d.services.workloads.ByKey(d.ctx, d.who["sara"], "checkout-web")
	if err != nil {
		return err
	}
	late := remediation.NewItem{Title: "Show the order again when the bank does not answer", Risk: "medium", OwnerID: d.who["sara"].PersonID.String(), DueOn: d.day(-6)}
	lastWeek := remediation.NewService(d.db.pool, func() time.Time { return now().AddDate(0, 0, -7) })
	if _, err := lastWeek.Open(d.ctx, d.who["sara"], checkout.ID, late); err != nil {
		return err
	}
	batch, err := d.services.workloads.Create(d.ctx, d.who["asha"], workload.Input{
		Key: "ledger-batch", Name: "Ledger batch", TeamKey: "ledger", Tier: 3, Stage: workload.Live, Description: "Did by night what Ledger export does now.",
	})
	if err != nil {
		return err
	}
	last := remediation.NewItem{Title: "Move the job off the last old host", Risk: "medium", OwnerID: d.who["mika"].PersonID.String(), DueOn: d.day(40)}
	if _, err := d.services.items.Open(d.ctx, d.who["asha"], batch.ID, last); err != nil {
		return err
	}
	_, err = d.services.reviews.Retire(d.ctx, d.who["asha"], batch.ID, review.LifeInput{Version: batch.Version, Reason: "Ledger export took over."})
	return err
}

// outages are two incidents: what one taught is a published question with follow-ups, what
// the other taught is proposed.
func (d *demo) outages() error {
	asha := d.who["asha"]
	i, err := d.services.incidents.Create(d.ctx, asha, incident.Input{
		Title: "Card payments failed for 41 minutes", Severity: "2", Workloads: []string{"payments", "checkout-web"}, Link: "https://records.example.com/incidents/41",
		Summary: "A permission that was added by hand was taken away by the next update of the stack.", Impact: "No card was charged in two of three shops; 2,300 orders were tried again.",
		Started: d.at(-9, "10:02"), Detected: d.at(-9, "10:09"), Mitigated: d.at(-9, "10:43"), Resolved: d.at(-9, "12:30"),
		Scenario: "The role of the payment service lost the right to read its key.", Change: "An update of the stack, 40 minutes before.",
		Causes: []string{"Nobody looks for what differs from the template.", "The test account allows everything."}, WhyNotCaught: "The update was tried where every permission is given.",
	})
	if err != nil {
		return err
	}
	for _, a := range []incident.ActionInput{
		{Title: "Look for drift of every stack each night", Workload: "payments", Owner: d.who["mika"].PersonID.String(), DueOn: d.day(11)},
		{Title: "Show a page that says so when no card can be charged", Workload: "checkout-web", Owner: d.who["sara"].PersonID.String(), DueOn: d.day(25)},
	} {
		if i, err = d.services.incidents.SaveAction(d.ctx, asha, i.ID, a); err != nil {
			return err
		}
	}
	if i, err = d.services.incidents.Close(d.ctx, asha, i.ID, i.Version); err != nil {
		return err
	}
	if err := d.move(remediation.Item{ID: i.Actions[0].Item.ID}, "mika", remediation.Done, "A job compares every stack with its template at 3:00 and opens a ticket."); err != nil {
		return err
	}
	if err := d.learn(i); err != nil {
		return err
	}
	return d.secondOutage()
}

// at is a time of a day, as a form has it.
func (d *demo) at(days int, clock string) string { return d.day(days) + "T" + clock }

// learn makes a published question of what the first incident taught, and answers it for two
// of the workloads.
func (d *demo) learn(i incident.Incident) error {
	l, err := d.services.incidents.Propose(d.ctx, d.who["mika"], i.ID, incident.LessonInput{
		Title: "Changes by hand come undone", Failure: "What was changed by hand is taken away by the next update, and what relied on it fails.",
		Kind: incident.NewQuestion, MaxRisk: "high", Proposal: "How do you notice what was changed by hand?",
		Why: "An update puts everything back to its template, also what somebody needed.", Prompts: []string{"Who may change production by hand?", "When was the last difference found?"},
		Practices: []incident.Practice{
			{Title: "What differs from its template is found within a day.", URL: "https://wiki.example.com/drift", Effect: incident.Prevented},
			{Title: "The last version is back within ten minutes.", Effect: incident.Shortened},
		},
	})
	if err != nil {
		return err
	}
	noor := d.who["noor"]
	if l, err = d.services.incidents.Accept(d.ctx, noor, l.ID, incident.AcceptInput{Version: l.Version, DueDays: "21"}); err != nil {
		return err
	}
	drafts, err := d.services.library.Drafts(d.ctx, noor)
	if err != nil {
		return err
	}
	p, err := d.services.library.ProposeDraft(d.ctx, noor, drafts[0], "")
	if err != nil {
		return err
	}
	if p.Set == nil {
		return fmt.Errorf("the sample set cannot be published: %v", p.Problems)
	}
	if _, err := d.services.library.PublishDraft(d.ctx, noor, drafts[0].ID, drafts[0].Revision, p.Set.Version); err != nil {
		return err
	}
	asked, err := d.services.incidents.RollOut(d.ctx, d.who["asha"], l.ID)
	if err != nil {
		return err
	}
	for _, f := range asked {
		if err := d.followUp(f.ID, f.WorkloadKey); err != nil {
			return err
		}
	}
	return nil
}

// followUp answers for "Payments", where all is well by now, and for "Checkout web", where it
// is not; the others are still asked.
func (d *demo) followUp(id uuid.UUID, workload string) error {
	who, known := map[string]string{"payments": "asha", "checkout-web": "sara"}[workload]
	if !known {
		return nil
	}
	f, err := d.services.incidents.FollowUp(d.ctx, d.who[who], id)
	if err != nil {
		return err
	}
	in := incident.FollowAnswer{Version: f.Version}
	for n, c := range f.Question.Practices() {
		if workload == "payments" || n > 0 {
			in.Chosen = append(in.Chosen, c.ID)
		}
	}
	_, err = d.services.incidents.Answer(d.ctx, d.who[who], id, in)
	return err
}

// secondOutage is still being judged by a curator.
func (d *demo) secondOutage() error {
	mika := d.who["mika"]
	i, err := d.services.incidents.Create(d.ctx, mika, incident.Input{
		Title: "The export wrote a day twice", Severity: "3", Workloads: []string{"ledger-export"}, Link: "https://records.example.com/incidents/44",
		Summary: "The job was started again by hand while its first run was still writing.", Impact: "The tax office got 1,204 bookings twice; they were taken back the next day.",
		Started: d.at(-3, "02:10"), Detected: d.at(-3, "07:45"), Mitigated: d.at(-3, "08:30"), Resolved: d.at(-2, "15:00"),
		Scenario: "A run took longer than usual and looked as if it had stopped.", Change: "None.",
		Causes: []string{"Nothing keeps two runs apart."}, WhyNotCaught: "A second run was never tried.",
	})
	if err != nil {
		return err
	}
	i, err = d.services.incidents.SaveAction(d.ctx, mika, i.ID, incident.ActionInput{
		Title: "Refuse to start while a run is writing", Workload: "ledger-export", Owner: mika.PersonID.String(), DueOn: d.day(18),
	})
	if err != nil {
		return err
	}
	if i, err = d.services.incidents.Close(d.ctx, mika, i.ID, i.Version); err != nil {
		return err
	}
	_, err = d.services.incidents.Propose(d.ctx, mika, i.ID, incident.LessonInput{
		Title: "A job that is started twice", Failure: "Somebody starts a job again, and what it writes stands there twice.", Kind: incident.NewQuestion, MaxRisk: "medium",
		Proposal: "What happens when a job is started while it runs?", Tiers: []string{"1", "2"},
		Practices: []incident.Practice{{Title: "A second start does nothing.", Effect: incident.Prevented}, {Title: "What was written twice is found by itself.", Effect: incident.Shortened}},
	})
	return err
}
