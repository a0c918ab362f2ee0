package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"orrery/internal/awscloud/awstest"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// demoPassword opens every sample account. The demo listens where the operator says, the
// loopback address by default, and holds nothing real.
const demoPassword = "orrery sample sign-in"

// demoAccount is the AWS account that the demo's scripted endpoint plays.
const demoAccount = "441022987153"

// demoPeople are the sample people: five, of different roles.
var demoPeople = []demoPerson{
	{key: "jonas", name: "Jonas Weber", what: "admin, and facilitator of every workload", admin: true},
	{key: "asha", name: "Asha Rao", what: "lead of Ledger", team: "ledger", lead: true},
	{key: "mika", name: "Mika Laine", what: "member of Ledger", team: "ledger"},
	{key: "sara", name: "Sara Lind", what: "lead of Storefront, and approver of every workload", team: "storefront", lead: true, approver: true},
	{key: "noor", name: "Noor Haddad", what: "approver of every workload, auditor and curator", approver: true, auditor: true, curator: true},
}

type demoPerson struct {
	key, name, what, team string
	admin, lead, approver bool
	auditor, curator      bool
}

func (p demoPerson) email() string { return p.key + "@example.com" }

type demoCmd struct{}

// Run serves a portal on a data folder of its own. The first start fills it; AWS is played
// by an endpoint in this program, so evidence is collected over the wire as always.
func (demoCmd) Run(s *session) error {
	aws, err := awstest.Start("127.0.0.1:0", demoWorld())
	if err != nil {
		return fmt.Errorf("start the sample AWS endpoint: %w", err)
	}
	defer func() { _ = aws.Close() }()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": "sample", "AWS_SECRET_ACCESS_KEY": "sample", "AWS_REGION": "eu-west-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return s.serve("-demo", func(ctx context.Context, p *portal) error {
		if err := p.fillDemo(ctx); err != nil {
			return fmt.Errorf("fill the demo (remove its data folder to begin anew): %w", err)
		}
		p.say("Orrery is at %s, with sample data.", p.config.publicURL())
		p.say("Sign in with one of these; the password is always: %s", demoPassword)
		for _, one := range demoPeople {
			p.say("  %-18s %s, %s", one.email(), one.name, one.what)
		}
		return nil
	})
}

// demoWorld is a believable account: most controls pass, some fail, one trail was stopped.
func demoWorld() awstest.World {
	controls := []string{"CloudTrail.1", "CloudTrail.4", "Config.1", "EC2.7", "ELB.4", "IAM.4", "IAM.6", "IAM.9", "RDS.3", "RDS.5", "RDS.11", "S3.1"}
	world := awstest.Believable(demoAccount, []string{"eu-west-1", "eu-central-1"}, controls, map[string]string{"app": "payments"})
	for i := range world.Regions["eu-central-1"].Trails {
		world.Regions["eu-central-1"].Trails[i].Stopped = true
	}
	return world
}

// fillDemo makes the sample organisation, once, through the same services as everything else.
func (p *portal) fillDemo(ctx context.Context) error {
	filled, err := identity.HasAdmin(ctx, p.db.pool)
	if err != nil || filled {
		return err
	}
	p.say("Filling the demo with sample data.")
	d := &demo{portal: p, ctx: ctx, who: map[string]identity.Actor{}}
	steps := []func() error{d.people, d.payments, d.ledgerExport, d.checkout, d.loyalty, d.remedies, d.outages}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// demo is the state of filling.
type demo struct {
	*portal
	ctx   context.Context
	who   map[string]identity.Actor
	teams map[string]uuid.UUID
}

// people makes the first admin, the teams and everybody else.
func (d *demo) people() error {
	ids := d.services.identity
	link, err := ids.MakeAdminLink(d.ctx)
	if err != nil {
		return err
	}
	first := demoPeople[0]
	admin, _, err := ids.AcceptAdminLink(d.ctx, link.Secret, first.name, first.email(), demoPassword, identity.Client{})
	if err != nil {
		return err
	}
	if err := d.load(first.key, admin.ID); err != nil {
		return err
	}
	boss := d.who[first.key]
	d.teams = map[string]uuid.UUID{}
	for _, t := range [][2]string{{"ledger", "Ledger"}, {"storefront", "Storefront"}} {
		team, err := ids.CreateTeam(d.ctx, boss, t[0], t[1])
		if err != nil {
			return err
		}
		d.teams[t[0]] = team.ID
	}
	for _, one := range demoPeople[1:] {
		if err := d.invite(boss, one); err != nil {
			return err
		}
	}
	return ids.Grant(d.ctx, boss, admin.ID, identity.GrantInput{Kind: identity.Facilitator})
}

func (d *demo) invite(boss identity.Actor, one demoPerson) error {
	in := identity.InviteInput{Email: one.email(), Name: one.name}
	if one.team != "" {
		role := identity.Member
		if one.lead {
			role = identity.Lead
		}
		in.Teams = []identity.Membership{{TeamID: d.teams[one.team], Role: role}}
	}
	if one.approver {
		in.Grants = []identity.GrantInput{{Kind: identity.Approver}}
	}
	if one.auditor {
		in.Roles = append(in.Roles, identity.Auditor)
	}
	if one.curator {
		in.Roles = append(in.Roles, identity.Curator)
	}
	person, link, err := d.services.identity.Invite(d.ctx, boss, in)
	if err != nil {
		return err
	}
	if _, err := d.services.identity.AcceptLink(d.ctx, link.Secret, demoPassword, identity.Client{}); err != nil {
		return err
	}
	return d.load(one.key, person.ID)
}

// load keeps the person as the actor of later steps.
func (d *demo) load(key string, id uuid.UUID) error {
	who, err := d.services.identity.ActorFor(d.ctx, id)
	d.who[key] = who
	return err
}

func (d *demo) day(days int) string { return now().AddDate(0, 0, days).Format(time.DateOnly) }

// payments has evidence and a draft in the middle of answering.
func (d *demo) payments() error {
	w, err := d.services.workloads.Create(d.ctx, d.who["asha"], workload.Input{
		Key: "payments", Name: "Payments", TeamKey: "ledger", Tier: 1, Stage: workload.Planned, LaunchOn: d.day(24),
		Description: "Takes card payments for every shop, and tells the ledger.",
		Accounts:    []string{demoAccount}, Regions: []string{"eu-west-1", "eu-central-1"}, Tags: []string{"app=payments"},
	})
	if err != nil {
		return err
	}
	if err := d.collect(w); err != nil {
		return err
	}
	r, err := d.answer(w, []string{"asha", "mika"}, func(i int) answerKind {
		switch {
		case i == 34: // the question that evidence speaks to
			return allOf
		case i > 8:
			return skip
		}
		return [...]answerKind{allOf, mostOf, allOf, allOf, unknown}[i%5]
	})
	if err != nil {
		return err
	}
	return d.talkAbout(r)
}

// collect reads evidence and waits for the run to end.
func (d *demo) collect(w workload.Workload) error {
	run, _, err := d.services.evidence.StartRun(d.ctx, d.who["asha"], w.ID)
	if err != nil {
		return err
	}
	for run.State == evidence.Running {
		select {
		case <-d.ctx.Done():
			return d.ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if run, err = d.services.evidence.Run(d.ctx, d.who["asha"], run.ID); err != nil {
			return err
		}
	}
	return nil
}

// ledgerExport is decided: a conditional go with a condition after launch.
func (d *demo) ledgerExport() error {
	w, err := d.services.workloads.Create(d.ctx, d.who["mika"], workload.Input{
		Key: "ledger-export", Name: "Ledger export", TeamKey: "ledger", Tier: 2, Stage: workload.Live,
		Description: "Writes the day's bookings for the tax office, each night.",
	})
	if err != nil {
		return err
	}
	r, err := d.answer(w, []string{"mika"}, func(i int) answerKind { return [...]answerKind{allOf, allOf, mostOf, allOf, noneOf}[i%5] })
	if err != nil {
		return err
	}
	if r, err = d.submit(r, "mika"); err != nil {
		return err
	}
	content := hex.EncodeToString(r.Round.ContentSHA256)
	err = d.services.reviews.SignOff(d.ctx, d.who["noor"], review.SignOffInput{
		ReviewID: r.ID, Content: content, Voice: review.Agree, Note: "The restore drill convinced me; the paging is still missing.",
	})
	if err != nil {
		return err
	}
	readout, err := d.services.reviews.Readout(d.ctx, d.who["noor"], r.ID)
	if err != nil {
		return err
	}
	_, err = d.services.reviews.Decide(d.ctx, d.who["noor"], review.DecideInput{
		ReviewID: r.ID, Content: content, Seen: readout.Seen(), Outcome: review.Conditional, Reason: "An export that is a day late harms nobody yet.",
		Conditions: []review.ConditionInput{
			{Text: "The on-call person is paged when an export is late.", Timing: remediation.AfterLaunch, OwnerID: d.who["mika"].PersonID.String(), DueOn: d.day(30)},
		},
	})
	return err
}

// checkout is submitted and waits for a decision.
func (d *demo) checkout() error {
	w, err := d.services.workloads.Create(d.ctx, d.who["sara"], workload.Input{
		Key: "checkout-web", Name: "Checkout web", TeamKey: "storefront", Tier: 2, Stage: workload.Planned, LaunchOn: d.day(10),
		Description: "The pages where a customer pays.",
	})
	if err != nil {
		return err
	}
	r, err := d.answer(w, []string{"sara"}, func(i int) answerKind { return [...]answerKind{allOf, mostOf, allOf, allOf}[i%4] })
	if err != nil {
		return err
	}
	_, err = d.submit(r, "sara")
	return err
}

// loyalty has no review yet.
func (d *demo) loyalty() error {
	_, err := d.services.workloads.Create(d.ctx, d.who["sara"], workload.Input{
		Key: "loyalty", Name: "Loyalty points", TeamKey: "storefront", Tier: 3, Stage: workload.Planned,
		Description: "Counts points and shows them a little late.",
	})
	return err
}

// answerKind is a way to answer a sample question.
type answerKind int

const (
	allOf   answerKind = iota // every practice is ticked
	mostOf                    // all but the last
	noneOf                    // none of these
	unknown                   // do not know
	skip                      // no answer yet
)

// answer starts a review and answers its questions as kind says, by the people in turn.
func (d *demo) answer(w workload.Workload, people []string, kind func(int) answerKind) (review.Review, error) {
	r, err := d.services.reviews.Start(d.ctx, d.who[people[0]], w.ID, review.StartInput{Type: "new-service"})
	if err != nil {
		return r, err
	}
	sheet, err := d.services.reviews.Sheet(d.ctx, d.who[people[0]], r.ID)
	if err != nil {
		return r, err
	}
	for i, e := range sheet.Entries() {
		if kind(i) == skip {
			continue
		}
		in := review.AnswerInput{ReviewID: r.ID, Questionnaire: e.Questionnaire, QuestionID: e.Question.ID, Notes: demoNotes[i%len(demoNotes)]}
		in.Chosen, in.Unknown = demoTicks(e.Question, kind(i))
		if _, err := d.services.reviews.SaveAnswer(d.ctx, d.who[people[i%len(people)]], in); err != nil {
			return r, err
		}
	}
	return r, nil
}

var demoNotes = []string{
	"The table is in the wiki under *Payments, failure table*; last read on Monday.", "",
	"Drill of last month: 38 minutes, log in the `drills` folder.", "", "We raised the quota in both Regions; the ticket is PLAT-310.",
}

// demoTicks are the choices that an answer of the kind ticks.
func demoTicks(q *questionnaire.Question, kind answerKind) (chosen []string, doNotKnow bool) {
	if kind == unknown {
		return nil, true
	}
	var practices []string
	for _, c := range q.Choices {
		if c.None && kind == noneOf {
			return []string{c.ID}, false
		}
		if !c.None && c.Weight != questionnaire.WeightScope {
			practices = append(practices, c.ID)
		}
	}
	if kind == mostOf && len(practices) > 1 {
		practices = practices[:len(practices)-1]
	}
	return practices, false
}

// submit hands the round over, with an owner and a date for each high.
func (d *demo) submit(r review.Review, by string) (review.Review, error) {
	sheet, err := d.services.reviews.Sheet(d.ctx, d.who[by], r.ID)
	if err != nil {
		return r, err
	}
	steps := map[string]review.FirstStep{}
	for _, e := range sheet.Highs() {
		steps[e.Key()] = review.FirstStep{OwnerID: d.who[by].PersonID.String(), DueOn: d.day(21)}
	}
	return d.services.reviews.Submit(d.ctx, d.who[by], review.SubmitInput{ReviewID: r.ID, Steps: steps})
}
