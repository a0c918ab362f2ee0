package main

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"orrery/internal/identity"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// organisation is what a test needs of a filled installation.
type organisation struct {
	session   string // of a member of the team that owns every workload
	member    identity.Actor
	team      uuid.UUID
	questions []string // addresses of one question each of eight reviews of different workloads
}

// open opens the program's database beside it, with services of the test's own.
func (p *program) open() (*database, *services) {
	p.t.Helper()
	s := &session{ctx: context.Background(), out: p, errOut: p, config: config{Data: p.dir, Connections: 8, Listen: p.addr}}
	db, err := s.openDatabase(context.Background(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	all, err := newServices(db.pool, "http://"+p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	return db, all
}

// Write lets a session of the test say things; they are for nobody.
func (p *program) Write(b []byte) (int, error) { return len(b), nil }

// organisation makes an admin, a team with a member, and eight workloads with a review each.
func (p *program) organisation() organisation {
	p.t.Helper()
	ctx := context.Background()
	db, all := p.open()
	defer func() { _ = db.close() }()
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	link, err := all.identity.MakeAdminLink(ctx)
	must(err)
	boss, _, err := all.identity.AcceptAdminLink(ctx, link.Secret, "Jonas Weber", "jonas@example.com", demoPassword, identity.Client{})
	must(err)
	admin, err := all.identity.ActorFor(ctx, boss.ID)
	must(err)
	team, err := all.identity.CreateTeam(ctx, admin, "ledger", "Ledger")
	must(err)
	person, invitation, err := all.identity.Invite(ctx, admin, identity.InviteInput{
		Email: "asha@example.com", Name: "Asha Rao", Teams: []identity.Membership{{TeamID: team.ID, Role: identity.Lead}},
	})
	must(err)
	o := organisation{team: team.ID}
	o.session, err = all.identity.AcceptLink(ctx, invitation.Secret, demoPassword, identity.Client{})
	must(err)
	o.member, err = all.identity.ActorFor(ctx, person.ID)
	must(err)
	for i := range 8 {
		w, err := all.workloads.Create(ctx, o.member, workload.Input{Key: "workload-" + strconv.Itoa(i), Name: "Workload " + strconv.Itoa(i), TeamKey: "ledger", Tier: 2, Stage: workload.Planned})
		must(err)
		r, err := all.reviews.Start(ctx, o.member, w.ID, review.StartInput{Type: "new-service"})
		must(err)
		sheet, err := all.reviews.Sheet(ctx, o.member, r.ID)
		must(err)
		o.questions = append(o.questions, sheet.QuestionPath(sheet.Entries()[i]))
	}
	return o
}
