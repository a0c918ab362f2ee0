package web_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/portfolio"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/report"
	"orrery/internal/review"
	"orrery/internal/workload"
)

// call is one cell of the matrix: who asks, and in which column.
type call struct {
	*house
	*place
	ctx context.Context
	who identity.Actor
}

// row is a method: who gets through, and a call of it. Calls bring empty or worn input as far
// as they can: a row proves who is let in, not what then happens.
type row struct {
	rule
	do func(call) error
}

// lost are the rows that act on what does not exist, or is another person's: who gets through is told so.
var lost = []string{
	"identity.Deactivate", "identity.RemoveMembership", "identity.RevokeGrant", "identity.RevokeToken", "identity.RevokeServiceToken", "identity.EndSession",
	"library.SwitchOff", "library.SwitchOn", "library.Draft", "library.SaveDraft", "library.DiscardDraft", "library.PublishDraft", "library.ProposeDraft", "library.Unmark", "library.SettleMarks",
	"workload.RemoveParticipant", "report.Order", "report.File", "review.EndEmergency", "evidence.Connection", "evidence.OwnFact", "evidence.RemoveOwn", "workload.AllowAccount",
	"remediation.Undo", "webhook.Endpoint", "webhook.Change", "webhook.Delete", "webhook.Log", "webhook.Deliveries", "webhook.SendTest", "webhook.Delivery", "webhook.Replay", "webhook.ReplaySince",
	"tickets.Tracker", "tickets.ChangeTracker", "tickets.Unlink", "tickets.NewHookSecret", "webhook.Rotate", "notify.Read",
}

func only[T any](_ T, err error) error          { return err }
func only2[T, U any](_ T, _ U, err error) error { return err }

func only3[T, U, V any](_ T, _ U, _ V, err error) error { return err }

// somebody is an id that is nobody's and nothing's.
var somebody = uuid.MustParse("0197a000-0000-7000-8000-000000000000")

var identityRows = map[string]row{
	"ChangePassword":  {persons, func(c call) error { return only(c.Identity.ChangePassword(c.ctx, c.who, "", "", identity.Client{})) }},
	"CreateToken":     {persons, func(c call) error { return only2(c.Identity.CreateToken(c.ctx, c.who, "", nil, 0)) }},
	"Tokens":          {persons, func(c call) error { return only(c.Identity.Tokens(c.ctx, c.who)) }},
	"RevokeToken":     {nobody, func(c call) error { return c.Identity.RevokeToken(c.ctx, c.who, somebody) }},
	"SetOrganisation": {admins, func(c call) error { return c.Identity.SetOrganisation(c.ctx, c.who, "", false) }},
	"NewLink":         {admins, func(c call) error { return only(c.Identity.NewLink(c.ctx, c.who, c.host.PersonID)) }},
	"SaveSettings":    {persons, func(c call) error { return c.Identity.SaveSettings(c.ctx, c.who, identity.Settings{}) }},
	"Sessions":        {persons, func(c call) error { return only(c.Identity.Sessions(c.ctx, c.who)) }},
	"EndSession":      {nobody, func(c call) error { return c.Identity.EndSession(c.ctx, c.who, "x") }},
	"EndSessions":     {admins, func(c call) error { return c.Identity.EndSessions(c.ctx, c.who, c.host.PersonID) }},
	"Invite":          {admins, func(c call) error { return only2(c.Identity.Invite(c.ctx, c.who, identity.InviteInput{})) }},
	"People":          {anyone, func(c call) error { return only2(c.Identity.People(c.ctx, c.who, identity.PeopleFilter{})) }},
	"Person":          {anyone, func(c call) error { return only(c.Identity.Person(c.ctx, c.who, c.host.PersonID)) }},
	"SetRoles":        {admins, func(c call) error { return c.Identity.SetRoles(c.ctx, c.who, c.host.PersonID, nil) }},
	"SetMembership":   {admins, func(c call) error { return c.Identity.SetMembership(c.ctx, c.who, c.w.TeamID, c.host.PersonID, "x") }},
	"RemoveMembership": {admins, func(c call) error {
		return c.Identity.RemoveMembership(c.ctx, c.who, c.w.TeamID, c.actors["admin"].PersonID)
	}},
	"Grant":       {admins, func(c call) error { return c.Identity.Grant(c.ctx, c.who, c.host.PersonID, identity.GrantInput{}) }},
	"RevokeGrant": {admins, func(c call) error { return c.Identity.RevokeGrant(c.ctx, c.who, somebody) }},
	"Deactivate":  {admins, func(c call) error { return c.Identity.Deactivate(c.ctx, c.who, somebody) }},
	"Reactivate":  {admins, func(c call) error { return c.Identity.Reactivate(c.ctx, c.who, c.host.PersonID) }},
	"Rename":      {persons, func(c call) error { return c.Identity.Rename(c.ctx, c.who, "") }},
	"CreateServiceToken": {leadsAndAdmins, func(c call) error {
		return only2(c.Identity.CreateServiceToken(c.ctx, c.who, c.w.TeamID, "", nil, 0))
	}},
	"ServiceTokens": {leadsAndAdmins, func(c call) error { return only(c.Identity.ServiceTokens(c.ctx, c.who, c.w.TeamID)) }},
	"RevokeServiceToken": {leadsAndAdmins, func(c call) error {
		return c.Identity.RevokeServiceToken(c.ctx, c.who, c.w.TeamID, somebody)
	}},
	"CreateTeam":     {admins, func(c call) error { return only(c.Identity.CreateTeam(c.ctx, c.who, "", "")) }},
	"RenameTeam":     {admins, func(c call) error { return c.Identity.RenameTeam(c.ctx, c.who, c.w.TeamID, "") }},
	"Teams":          {anyone, func(c call) error { return only(c.Identity.Teams(c.ctx, c.who)) }},
	"Team":           {anyone, func(c call) error { return only(c.Identity.Team(c.ctx, c.who, "ledger")) }},
	"ImportTeams":    {admins, func(c call) error { return only2(c.Identity.ImportTeams(c.ctx, c.who, nil, false)) }},
	"ImportedBefore": {admins, func(c call) error { return only(c.Identity.ImportedBefore(c.ctx, c.who, nil)) }},
	"ImportPeople":   {admins, func(c call) error { return only3(c.Identity.ImportPeople(c.ctx, c.who, nil, false)) }},
}

var libraryRows = map[string]row{
	"SwitchOff":    {curators, func(c call) error { return c.Library.SwitchOff(c.ctx, c.who, "orr", "x", "", "") }},
	"SwitchOn":     {curators, func(c call) error { return c.Library.SwitchOn(c.ctx, c.who, "orr", "x") }},
	"Drafts":       {curators, func(c call) error { return only(c.Library.Drafts(c.ctx, c.who)) }},
	"Draft":        {curators, func(c call) error { return only(c.Library.Draft(c.ctx, c.who, somebody)) }},
	"CreateDraft":  {curators, func(c call) error { return only(c.Library.CreateDraft(c.ctx, c.who, questionnaire.DraftInput{})) }},
	"SaveDraft":    {curators, func(c call) error { return only(c.Library.SaveDraft(c.ctx, c.who, somebody, 1, nil)) }},
	"DiscardDraft": {curators, func(c call) error { return c.Library.DiscardDraft(c.ctx, c.who, somebody, 1) }},
	"ProposeDraft": {curators, func(c call) error {
		return only(c.Library.ProposeDraft(c.ctx, c.who, questionnaire.Draft{Set: &questionnaire.Questionnaire{}}, ""))
	}},
	"PublishDraft": {curators, func(c call) error { return only(c.Library.PublishDraft(c.ctx, c.who, somebody, 1, "")) }},
	"Mark": {persons, func(c call) error {
		return c.Library.Mark(c.ctx, c.who, questionnaire.MarkInput{Key: c.entry.Questionnaire, Question: c.entry.Question.ID})
	}},
	"Unmark":      {persons, func(c call) error { return c.Library.Unmark(c.ctx, c.who, "orr", "x") }},
	"OwnMarks":    {anyone, func(c call) error { return only(c.Library.OwnMarks(c.ctx, c.DB, c.who, "orr")) }},
	"MarkCounts":  {curators, func(c call) error { return only(c.Library.MarkCounts(c.ctx, c.who, "orr")) }},
	"Marks":       {curators, func(c call) error { return only2(c.Library.Marks(c.ctx, c.who, "orr", questionnaire.MarkFilter{})) }},
	"SettleMarks": {curators, func(c call) error { return c.Library.SettleMarks(c.ctx, c.who, "orr", nil, "") }},
	"Propose":     {curators, func(c call) error { return only(c.Library.Propose(c.ctx, c.who, questionnaire.Upload{})) }},
	"Import":      {curators, func(c call) error { return only(c.Library.Import(c.ctx, c.who, questionnaire.Upload{})) }},
}

var reviewRows = map[string]row{
	"Readout": {readers, func(c call) error { return only(c.Reviews.Readout(c.ctx, c.who, c.review())) }},
	"SignOff": {approvers, func(c call) error {
		return c.Reviews.SignOff(c.ctx, c.who, review.SignOffInput{ReviewID: c.review(), Voice: review.Agree})
	}},
	"ConfirmSection": {team, func(c call) error {
		return only(c.Reviews.ConfirmSection(c.ctx, c.who, review.ConfirmInput{ReviewID: c.review(), Round: 1, Questionnaire: c.entry.Questionnaire, Section: c.entry.Question.Section}))
	}},
	"DecideEmergency": {approvers, func(c call) error {
		return only(c.Reviews.DecideEmergency(c.ctx, c.who, c.w.ID, review.EmergencyInput{}))
	}},
	"EndEmergency": {approvers, func(c call) error { return c.Reviews.EndEmergency(c.ctx, c.who, c.review(), "") }},
	"Acceptable":   {readers, func(c call) error { return only(c.Reviews.Acceptable(c.ctx, c.who, c.w.Key, c.entry.Key())) }},
	"AskAcceptance": {team, func(c call) error {
		return only(c.Reviews.AskAcceptance(c.ctx, c.who, c.w.Key, c.entry.Key(), remediation.AskInput{}))
	}},
	"ToolDraft": {insiders, func(c call) error { return only(c.Reviews.ToolDraft(c.ctx, c.who, c.review())) }},
	"TakeToolAnswers": {team, func(c call) error {
		return only(c.Reviews.TakeToolAnswers(c.ctx, c.who, review.TakeToolInput{ReviewID: c.review()}))
	}},
	"Upgrade": {readers, func(c call) error { return only(c.Reviews.Upgrade(c.ctx, c.who, c.review())) }},
	"AcceptUpgrade": {team, func(c call) error {
		return only(c.Reviews.AcceptUpgrade(c.ctx, c.who, review.UpgradeInput{ReviewID: c.review()}))
	}},
	"SaveAgenda": {team, func(c call) error { return c.Reviews.SaveAgenda(c.ctx, c.who, c.review(), review.AgendaInput{}) }},
	"Start": {team, func(c call) error {
		return only(c.Reviews.Start(c.ctx, c.who, c.w.ID, review.StartInput{Type: "new-service"}))
	}},
	"SaveAnswer": {team, func(c call) error {
		return only(c.Reviews.SaveAnswer(c.ctx, c.who, review.AnswerInput{ReviewID: c.review(), Questionnaire: c.entry.Questionnaire, QuestionID: c.entry.Question.ID, Version: 99}))
	}},
	"Decide": {approvers, func(c call) error {
		return only(c.Reviews.Decide(c.ctx, c.who, review.DecideInput{ReviewID: c.review()}))
	}},
	"SignOffs": {readers, func(c call) error { return only(c.Reviews.SignOffs(c.ctx, c.who, c.review())) }},
	"Cancel":   {leads, func(c call) error { return only(c.Reviews.Cancel(c.ctx, c.who, c.review(), "")) }},
	"Retire":   {leadsOrAdmin, func(c call) error { return only(c.Reviews.Retire(c.ctx, c.who, c.w.ID, review.LifeInput{})) }},
	"BringBack": {leadsOrAdmin, func(c call) error {
		return only(c.Reviews.BringBack(c.ctx, c.who, c.w.ID, review.LifeInput{Stage: workload.Live}))
	}},
	"Move":     {leadsOrAdmin, func(c call) error { return only(c.Reviews.Move(c.ctx, c.who, c.w.ID, review.LifeInput{})) }},
	"AddType":  {curators, func(c call) error { return c.Reviews.AddType(c.ctx, c.who, "", "", "") }},
	"SaveType": {curators, func(c call) error { return c.Reviews.SaveType(c.ctx, c.who, review.Type{}) }},
	"Compare": {readers, func(c call) error {
		at := review.RoundRef{ReviewID: c.review(), Number: 1}
		return only(c.Reviews.Compare(c.ctx, c.who, at, at))
	}},
	"SinceDecision": {anyone, func(c call) error { return only(c.Reviews.SinceDecision(c.ctx, c.who, review.Readout{})) }}, // of a readout that was read
	"Question": {readers, func(c call) error {
		return only(c.Reviews.Question(c.ctx, c.who, c.review(), c.entry.Questionnaire, c.entry.Question.ID))
	}},
	"Record":        {readers, func(c call) error { return only(c.Reviews.Record(c.ctx, c.who, c.review())) }},
	"Readable":      {readers, func(c call) error { return c.Reviews.Readable(c.ctx, c.who, c.review()) }},
	"Paper":         {readers, func(c call) error { return only(c.Reviews.Paper(c.ctx, c.who, c.review(), 1)) }},
	"Frozen":        {readers, func(c call) error { return only(c.Reviews.Frozen(c.ctx, c.who, c.review(), 1)) }}, // the round is a draft: a conflict
	"Launch":        {readers, func(c call) error { return only(c.Reviews.Launch(c.ctx, c.who, c.w.Key, "")) }},
	"Revoke":        {approvers, func(c call) error { return only(c.Reviews.Revoke(c.ctx, c.who, c.review(), "", "")) }},
	"OpenNextRound": {team, func(c call) error { return only(c.Reviews.OpenNextRound(c.ctx, c.who, c.review())) }},
	"RecordOutside": {teamOrAdmin, func(c call) error { return only(c.Reviews.RecordOutside(c.ctx, c.who, c.w.ID, review.OutsideInput{})) }},
	"JudgeOutside":  {approvers, func(c call) error { return c.Reviews.JudgeOutside(c.ctx, c.who, c.outside, "accepted", "") }},
	"OutsideFile":   {readers, func(c call) error { return only(c.Reviews.OutsideFile(c.ctx, c.who, c.outside)) }},
	"Assign": {team, func(c call) error {
		return only(c.Reviews.Assign(c.ctx, c.who, review.AssignInput{ReviewID: c.review(), Keys: []string{c.entry.Key()}, PersonID: "x"}))
	}},
	"Section": {readers, func(c call) error {
		return only(c.Reviews.Section(c.ctx, c.who, c.review(), c.entry.Questionnaire, c.entry.Question.Section))
	}},
	"EvidenceSince": {readers, func(c call) error { return only2(c.Reviews.EvidenceSince(c.ctx, c.who, c.w.ID)) }},
	"Sheet":         {readers, func(c call) error { return only(c.Reviews.Sheet(c.ctx, c.who, c.review())) }},
	"Submit": {team, func(c call) error {
		return only(c.Reviews.Submit(c.ctx, c.who, review.SubmitInput{ReviewID: c.review()}))
	}},
	"Withdraw":       {team, func(c call) error { return only(c.Reviews.Withdraw(c.ctx, c.who, c.review())) }},
	"RequestChanges": {approvers, func(c call) error { return only(c.Reviews.RequestChanges(c.ctx, c.who, c.review(), "Why?")) }},
}

var portfolioRows = map[string]row{
	"Mentions":  {anyone, func(c call) error { return only2(c.Portfolio.Mentions(c.ctx, c.who)) }},
	"Workloads": {anyone, func(c call) error { return only2(c.Portfolio.Workloads(c.ctx, c.who, portfolio.Filter{}, "")) }},
	"EachWorkload": {anyone, func(c call) error {
		return c.Portfolio.EachWorkload(c.ctx, c.who, portfolio.Filter{}, func([]portfolio.Line) error { return nil })
	}},
	"Views":       {anyone, func(c call) error { return only(c.Portfolio.Views(c.ctx, c.who)) }},
	"Evidence":    {readers, func(c call) error { return only(c.Portfolio.Evidence(c.ctx, c.who, c.w.ID)) }},
	"Dashboard":   {anyone, func(c call) error { return only(c.Portfolio.Dashboard(c.ctx, c.who, portfolio.DashFilter{})) }},
	"Emergencies": {anyone, func(c call) error { return only(c.Portfolio.Emergencies(c.ctx, c.who, c.w.TeamID)) }},
	"Home":        {anyone, func(c call) error { return only(c.Portfolio.Home(c.ctx, c.who)) }},
	"Reviews":     {anyone, func(c call) error { return only2(c.Portfolio.Reviews(c.ctx, c.who, portfolio.ReviewFilter{}, "")) }},
	"ReviewViews": {anyone, func(c call) error { return only(c.Portfolio.ReviewViews(c.ctx, c.who)) }},
	"SetsInUse":   {anyone, func(c call) error { return only(c.Portfolio.SetsInUse(c.ctx, c.who)) }},
	"ItemViews": {anyone, func(c call) error {
		return only(c.Portfolio.ItemViews(c.ctx, c.who, remediation.Filter{WorkloadKey: c.w.Key}))
	}},
}

var remediationRows = map[string]row{
	"Acceptance":  {readers, func(c call) error { return only(c.Items.Acceptance(c.ctx, c.who, c.acceptance)) }},
	"Acceptances": {anyone, func(c call) error { return only2(c.Items.Acceptances(c.ctx, c.who, remediation.AcceptanceFilter{})) }},
	"MayJudge": {approvers, func(c call) error {
		a, err := c.Items.Acceptance(c.ctx, c.who, c.acceptance)
		if err != nil {
			return err
		}
		return c.Items.MayJudge(c.ctx, c.who, a)
	}},
	"Grant":       {approvers, func(c call) error { return only(c.Items.Grant(c.ctx, c.who, c.acceptance, remediation.GrantInput{})) }},
	"Decline":     {approvers, func(c call) error { return only(c.Items.Decline(c.ctx, c.who, c.acceptance, "")) }},
	"Withdraw":    {team, func(c call) error { return only(c.Items.Withdraw(c.ctx, c.who, c.acceptance)) }},
	"Revoke":      {approvers, func(c call) error { return only(c.Items.Revoke(c.ctx, c.who, c.acceptance, "")) }},
	"MendInstead": {team, func(c call) error { return only(c.Items.MendInstead(c.ctx, c.who, c.acceptance, "", "")) }},
	"Item":        {readers, func(c call) error { return only(c.Items.Item(c.ctx, c.who, c.item)) }},
	"List":        {anyone, func(c call) error { return only2(c.Items.List(c.ctx, c.who, remediation.Filter{})) }},
	"Each": {anyone, func(c call) error {
		return c.Items.Each(c.ctx, c.who, remediation.Filter{}, func([]remediation.Item) error { return nil })
	}},
	"Open": {team, func(c call) error { return only(c.Items.Open(c.ctx, c.who, c.w.ID, remediation.NewItem{})) }},
	"ChangeMany": {team, func(c call) error {
		return only2(c.Items.ChangeMany(c.ctx, c.who, remediation.Bulk{Act: remediation.BulkDue, Items: []uuid.UUID{c.item}}))
	}},
	"Undo":       {nobody, func(c call) error { return only2(c.Items.Undo(c.ctx, c.who, somebody)) }},
	"SavePolicy": {admins, func(c call) error { return c.Items.SavePolicy(c.ctx, c.who, "", func(string) string { return "" }) }},
	"Change": {helpers, func(c call) error {
		return only(c.Items.Change(c.ctx, c.who, c.item, remediation.Change{State: "verified"}))
	}},
}

var talkRows = map[string]row{
	"ReadMentions": {persons, func(c call) error { return c.Talk.ReadMentions(c.ctx, c.who, nil) }},
	"CheckAttach":  {helpers, func(c call) error { return only(c.Talk.CheckAttach(c.ctx, c.who, discussion.OnQuestion, c.on())) }},
	"AddFile": {helpers, func(c call) error {
		return only(c.Talk.AddFile(c.ctx, c.who, discussion.OnQuestion, c.on(), "x", nil, discussion.Brought{}))
	}},
	"AddLink": {helpers, func(c call) error {
		return only(c.Talk.AddLink(c.ctx, c.who, discussion.OnQuestion, c.on(), discussion.Brought{}))
	}},
	"AddStatement": {helpers, func(c call) error {
		return only(c.Talk.AddStatement(c.ctx, c.who, discussion.OnQuestion, c.on(), discussion.Brought{}))
	}},
	"RemoveAttachment": {leads, func(c call) error { return only(c.Talk.RemoveAttachment(c.ctx, c.who, c.toRemove)) }},
	"File":             {readers, func(c call) error { return only2(c.Talk.File(c.ctx, c.who, c.file)) }},
	"Talk":             {readers, func(c call) error { return only(c.Talk.Talk(c.ctx, c.who, c.target())) }},
	"Move":             {settlers, func(c call) error { return c.Talk.Move(c.ctx, c.who, c.thread, "x") }},
	"Start": {people, func(c call) error {
		return only(c.Talk.Start(c.ctx, c.who, discussion.OnQuestion, c.on(), discussion.Input{}))
	}},
	"Reply":       {people, func(c call) error { return only(c.Talk.Reply(c.ctx, c.who, c.thread, discussion.Input{})) }},
	"Edit":        {unsaid, func(c call) error { return c.Talk.Edit(c.ctx, c.who, c.comment, 1, "x") }},
	"Remove":      {unsaid, func(c call) error { return c.Talk.Remove(c.ctx, c.who, c.comment) }},
	"Own":         {unsaid, func(c call) error { return only2(c.Talk.Own(c.ctx, c.who, c.comment)) }},
	"Whereabouts": {readers, func(c call) error { return only(c.Talk.Whereabouts(c.ctx, c.who, c.comment)) }},
	"Target":      {readers, func(c call) error { return only(c.Talk.Target(c.ctx, c.who, discussion.OnQuestion, c.on())) }},
}

var workloadRows = map[string]row{
	"AddParticipant":    {team, func(c call) error { return only(c.Workloads.AddParticipant(c.ctx, c.who, c.w.ID, "")) }},
	"RemoveParticipant": {team, func(c call) error { return c.Workloads.RemoveParticipant(c.ctx, c.who, c.w.ID, somebody) }},
	"Import":            {admins, func(c call) error { return only2(c.Workloads.Import(c.ctx, c.who, nil, false)) }},
	"ByKey":             {readers, func(c call) error { return only(c.Workloads.ByKey(c.ctx, c.who, c.w.Key)) }},
	"Create": {rule{"lead member admin self", "admin self", "admin self"}, func(c call) error {
		return only(c.Workloads.Create(c.ctx, c.who, workload.Input{Key: c.w.Key, Name: c.w.Name, TeamKey: c.w.TeamKey, Tier: 2, Stage: workload.Live}))
	}},
	"AllowAccount": {lenders, func(c call) error { return c.Workloads.AllowAccount(c.ctx, c.who, c.connection.Account, "x", true) }},
	"Update": {rule{"lead member approver chief", "chief", "chief"}, func(c call) error {
		return only(c.Workloads.Update(c.ctx, c.who, c.w.ID, 99, workload.Input{Key: c.w.Key, Name: c.w.Name, TeamKey: c.w.TeamKey, Tier: 2, Stage: workload.Live, Restricted: c.w.Restricted}))
	}},
}

var incidentRows = map[string]row{
	"Incident": {readers, func(c call) error { return only(c.Incidents.Incident(c.ctx, c.who, c.incident)) }},
	"List":     {anyone, func(c call) error { return only2(c.Incidents.List(c.ctx, c.who, incident.Filter{})) }},
	"Create": {team, func(c call) error {
		return only(c.Incidents.Create(c.ctx, c.who, incident.Input{Workloads: []string{c.w.Key}}))
	}},
	"Update": {team, func(c call) error {
		return only(c.Incidents.Update(c.ctx, c.who, c.incident, 99, incident.Input{}))
	}},
	"Close":  {team, func(c call) error { return only(c.Incidents.Close(c.ctx, c.who, c.incident, 99)) }},
	"Reopen": {team, func(c call) error { return only(c.Incidents.Reopen(c.ctx, c.who, c.incident, 99)) }},
	"SaveAction": {team, func(c call) error {
		return only(c.Incidents.SaveAction(c.ctx, c.who, c.incident, incident.ActionInput{}))
	}},
	"Lesson":  {lessonReaders, func(c call) error { return only(c.Incidents.Lesson(c.ctx, c.who, c.lesson)) }},
	"Lessons": {anyone, func(c call) error { return only2(c.Incidents.Lessons(c.ctx, c.who, incident.LessonFilter{})) }},
	"Propose": {people, func(c call) error {
		return only(c.Incidents.Propose(c.ctx, c.who, c.incident, incident.LessonInput{}))
	}},
	"ChangeLesson": {judges, func(c call) error {
		return only(c.Incidents.ChangeLesson(c.ctx, c.who, c.lesson, 99, incident.LessonInput{}))
	}},
	"Accept":          {judges, func(c call) error { return only(c.Incidents.Accept(c.ctx, c.who, c.lesson, incident.AcceptInput{})) }},
	"Merge":           {judges, func(c call) error { return only(c.Incidents.Merge(c.ctx, c.who, c.lesson, 99, "")) }},
	"Decline":         {judges, func(c call) error { return only(c.Incidents.Decline(c.ctx, c.who, c.lesson, 99, "")) }},
	"WouldFail":       {judges, func(c call) error { return only(c.Incidents.WouldFail(c.ctx, c.who, c.lesson)) }},
	"LastYear":        {anyone, func(c call) error { return only(c.Incidents.LastYear(c.ctx, c.who)) }},
	"RollOut":         {lessonReaders, func(c call) error { return only(c.Incidents.RollOut(c.ctx, c.who, c.lesson)) }},
	"RollOutProgress": {lessonReaders, func(c call) error { return only(c.Incidents.RollOutProgress(c.ctx, c.who, c.lesson)) }},
	"FollowUp":        {readers, func(c call) error { return only(c.Incidents.FollowUp(c.ctx, c.who, c.followUp)) }},
	"FollowUps":       {anyone, func(c call) error { return only(c.Incidents.FollowUps(c.ctx, c.who)) }},
	"FollowUpsOfWorkload": {anyone, func(c call) error { // of those that one may not read there are none
		return only(c.Incidents.FollowUpsOfWorkload(c.ctx, c.who, c.w.ID))
	}},
	"Answer": {team, func(c call) error {
		return only(c.Incidents.Answer(c.ctx, c.who, c.followUp, incident.FollowAnswer{Version: 99}))
	}},
	"DropAction": {team, func(c call) error { return only(c.Incidents.DropAction(c.ctx, c.who, c.incident, "x")) }},
}

var evidenceRows = map[string]row{
	"StartRun":     {helpers, func(c call) error { return only2(c.Evidence.StartRun(c.ctx, c.who, c.w.ID)) }},
	"CancelRun":    {helpers, func(c call) error { return c.Evidence.CancelRun(c.ctx, c.who, c.run) }},
	"Changes":      {insiders, func(c call) error { return only(c.Evidence.Changes(c.ctx, c.who, c.w.ID, c.run, c.run)) }},
	"Failures":     {insiders, func(c call) error { return only(c.Evidence.Failures(c.ctx, c.who, c.w.ID)) }},
	"Track":        {team, func(c call) error { return only(c.Evidence.Track(c.ctx, c.who, c.w.ID, evidence.TrackInput{})) }},
	"CloseUnasked": {leads, func(c call) error { return c.Evidence.CloseUnasked(c.ctx, c.who, c.item, 99, "x") }},
	"Connections":  {anyone, func(c call) error { return only(c.Evidence.Connections(c.ctx, c.who)) }},
	"Connection":   {seers, func(c call) error { return only(c.Evidence.Connection(c.ctx, c.who, c.connection.ID)) }},
	"AddConnection": {admins, func(c call) error {
		return only(c.Evidence.AddConnection(c.ctx, c.who, evidence.ConnectionInput{}))
	}},
	"ChangeConnection": {admins, func(c call) error {
		return only(c.Evidence.ChangeConnection(c.ctx, c.who, c.connection.ID, 99, evidence.ConnectionInput{}))
	}},
	"RemoveConnection": {admins, func(c call) error { return only(c.Evidence.RemoveConnection(c.ctx, c.who, c.connection.ID)) }},
	"TestConnection":   {admins, func(c call) error { return only(c.Evidence.TestConnection(c.ctx, c.who, c.connection.ID, "x")) }},
	"Run":              {readers, func(c call) error { return only(c.Evidence.Run(c.ctx, c.who, c.run)) }},
	"Report":           {team, func(c call) error { return c.Evidence.Report(c.ctx, c.who, c.w.ID, nil) }},
	"Own":              {insiders, func(c call) error { return only2(c.Evidence.Own(c.ctx, c.who, c.w.ID, evidence.OwnFilter{})) }},
	"OwnFact":          {nobody, func(c call) error { return only(c.Evidence.OwnFact(c.ctx, c.who, somebody)) }},
	"RemoveOwn":        {nobody, func(c call) error { return c.Evidence.RemoveOwn(c.ctx, c.who, somebody) }},
	"Facts":            {insiders, func(c call) error { return only(c.Evidence.Facts(c.ctx, c.who, c.w.ID, evidence.FactFilter{}, "")) }},
}

var reportRows = map[string]row{
	"Ask": {readers, func(c call) error {
		return only(c.Reports.Ask(c.ctx, c.who, c.review(), report.Wish{Extent: report.ReadoutOnly}))
	}},
	"Order": {nobody, func(c call) error { return only(c.Reports.Order(c.ctx, c.who, somebody)) }},
	"File":  {nobody, func(c call) error { return only2(c.Reports.File(c.ctx, c.who, somebody)) }},
}

// on is the question as a target of talk.
func (p *place) on() string {
	return discussion.QuestionID(p.review(), p.entry.Questionnaire, p.entry.Question.ID)
}

// target is the question as it was found by somebody who may.
func (c call) target() discussion.Target {
	t, err := c.Talk.Target(c.ctx, identity.SystemActor("test"), discussion.OnQuestion, c.on())
	if err != nil {
		c.T.Fatal(err)
	}
	return t
}

// TestRoleMatrixOfServices calls every method of every service that is told who asks, as every
// role, in every column. A method without a row, and a row without a method, fail it.
func TestRoleMatrixOfServices(t *testing.T) {
	h := newHouse(t)
	for name, service := range map[string]struct {
		of   any
		rows map[string]row
	}{
		"identity": {h.Identity, identityRows}, "library": {h.Library, libraryRows}, "review": {h.Reviews, reviewRows}, "portfolio": {h.Portfolio, portfolioRows},
		"remediation": {h.Items, remediationRows}, "discussion": {h.Talk, talkRows}, "workload": {h.Workloads, workloadRows}, "evidence": {h.Evidence, evidenceRows},
		"webhook": {h.Webhooks, webhookRows}, "tickets": {h.Tickets, ticketRows}, "notify": {h.Notices, noticeRows}, "incident": {h.Incidents, incidentRows},
		"report": {h.Reports, reportRows},
	} {
		methods := methodsThatAskWho(service.of)
		for method := range service.rows {
			if !slices.Contains(methods, method) {
				t.Errorf("%s.%s has a row and is no method", name, method)
			}
		}
		for _, method := range methods {
			r, ok := service.rows[method]
			if !ok {
				t.Errorf("%s.%s has no row in the matrix", name, method)
				continue
			}
			h.try(name+"."+method, r)
		}
	}
}

// methodsThatAskWho are the methods with an actor among what they take or give.
func methodsThatAskWho(of any) (names []string) {
	v, actor := reflect.TypeOf(of), reflect.TypeFor[identity.Actor]()
	for i := range v.NumMethod() {
		m := v.Method(i)
		for j := range m.Type.NumIn() {
			if m.Type.In(j) == actor {
				names = append(names, m.Name)
			}
		}
	}
	return names
}

// try fills one row: first those who are refused, for they change nothing.
func (h *house) try(name string, r row) {
	h.Helper()
	for _, through := range []bool{false, true} {
		for _, p := range h.places {
			for _, role := range strings.Fields(roles) {
				if r.lets(role, p.name) != through {
					continue
				}
				err := r.do(call{h, p, h.Context(), h.actors[role]})
				h.judge(name, role, p.name, r, err)
			}
			if !through {
				if err := r.do(call{h, p, h.Context(), identity.Actor{}}); err == nil && r.own != "all" {
					h.Errorf("%s lets nobody in particular through", name)
				}
			}
		}
	}
}

func (h *house) judge(name, role, column string, r row, err error) {
	h.Helper()
	kind := fault.KindOf(err)
	switch {
	case err != nil && kind == fault.Internal:
		h.Errorf("%s, %s, %s: failed: %v", name, role, column, err)
	case r.lets(role, column):
		if kind == fault.Forbidden || kind == fault.Unauthenticated || kind == fault.NotFound && !slices.Contains(lost, name) {
			h.Errorf("%s, %s, %s: is refused: %v", name, role, column, err)
		}
	case err == nil:
		h.Errorf("%s, %s, %s: is let through", name, role, column)
	case kind != r.want(name, role, column) && !(slices.Contains(lost, name) && kind == fault.NotFound):
		h.Errorf("%s, %s, %s: is refused with the wrong words: %v", name, role, column, err)
	}
}
