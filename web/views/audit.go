package views

import (
	"encoding/hex"
	"strconv"
	"strings"

	"orrery/internal/audit"
	"orrery/web/views/ui"
)

// AuditLine is one record with the names of what it is about. A Link without Href has no
// page, or none the reader may see.
type AuditLine struct {
	audit.Entry
	Target ui.Link
	Place  ui.Link // the workload of the stream; no Text for the organisation's
}

// AuditPage is the list of records.
type AuditPage struct {
	Lines    []AuditLine
	Stream   string // audit.OrgStream, or empty
	Workload string // key, as typed
	Verb     string // a family such as "review.", or one verb
	Actor    ui.Link
	ActorID  string
	Older    string // address of the next page
	First    string // address of the first page, when this is another
	Filters  int    // in use
	Verified string // the answer of a verification
	Whole    bool   // it found nothing wrong
}

// verbFamilies are what the list can be narrowed to.
var verbFamilies = []ui.Option{
	{Value: "", Text: "Anything"},
	{Value: "round.", Text: "Submissions, sign-offs and decisions"},
	{Value: "review.", Text: "Reviews started"},
	{Value: "answer.", Text: "Answers"},
	{Value: "item.", Text: "Items"},
	{Value: "acceptance.", Text: "Risk acceptances"},
	{Value: "comment.", Text: "Comments"},
	{Value: "challenge.", Text: "Challenges"},
	{Value: "attachment.", Text: "Files, links and statements"},
	{Value: "workload.", Text: "Workloads"},
	{Value: "evidence.", Text: "Evidence runs"},
	{Value: "grant.", Text: "Approvers and facilitators"},
	{Value: "roles.", Text: "Roles"},
	{Value: "person.", Text: "People invited, renamed, deactivated"},
	{Value: "membership.", Text: "Team members"},
	{Value: "team.", Text: "Teams"},
	{Value: "session.", Text: "Sign-ins and sign-outs"},
	{Value: "password.", Text: "Passwords changed"},
	{Value: "link.", Text: "One-time links"},
	{Value: "token.", Text: "API tokens"},
	{Value: "questionnaire.", Text: "Questionnaires"},
	{Value: "question.", Text: "Questions switched off, on, and marked"},
}

// KnownVerb reports whether the list can be narrowed to the verb: a family, or a verb in
// its dotted form.
func KnownVerb(verb string) bool {
	if len(verb) > 60 {
		return false
	}
	for _, r := range verb {
		if (r < 'a' || r > 'z') && r != '.' && r != '_' {
			return false
		}
	}
	return true
}

func verbOptions(verb string) []ui.Option {
	options := verbFamilies
	if optionText(options, verb) == verb && verb != "" {
		options = append(options[:len(options):len(options)], ui.Option{Value: verb, Text: VerbWords(verb)})
	}
	return ui.Selected(options, verb)
}

var verbWords = map[string]string{
	"acceptance.asked":              "Asked to accept a risk",
	"acceptance.declined":           "Declined to accept a risk",
	"acceptance.granted":            "Accepted a risk until a day",
	"acceptance.revoked":            "Revoked a risk acceptance",
	"acceptance.withdrawn":          "Withdrew a risk acceptance",
	"admin_link.made":               "Made a link for an admin",
	"admin_link.accepted":           "Became admin by a link",
	"answer.merged":                 "Saved an answer after a conflict, merged",
	"answer.replaced":               "Replaced somebody's answer after a conflict",
	"answer.saved":                  "Saved an answer",
	"answers.assigned":              "Assigned questions",
	"attachment.added":              "Added a file, a link or a statement",
	"attachment.removed":            "Removed a file, a link or a statement",
	"challenge.answered":            "Answered a challenge",
	"challenge.raised":              "Raised a challenge",
	"challenge.raised_again":        "Raised a challenge again",
	"challenge.resolved":            "Resolved a challenge",
	"comment.edited":                "Edited a comment",
	"comment.removed":               "Removed a comment",
	"comment.written":               "Wrote a comment",
	"evidence.run_cancelled":        "Cancelled an evidence run",
	"evidence.run_finished":         "Finished an evidence run",
	"evidence.turned":               "Evidence turned against a decision",
	"evidence.run_joined":           "Asked for an evidence run that was going on",
	"evidence.run_started":          "Started an evidence run",
	"evidence.run_stopped":          "Stopped an evidence run",
	"grant.given":                   "Gave a grant",
	"participant.added":             "Let somebody take part",
	"participant.removed":           "Ended somebody's part",
	"grant.revoked":                 "Took a grant back",
	"follow_up.answered":            "Answered a follow-up",
	"follow_up.not_applicable":      "Said that a follow-up does not apply",
	"incident.created":              "Wrote an incident down",
	"incident.changed":              "Changed an incident",
	"incident.closed":               "Closed an incident",
	"incident.reopened":             "Opened an incident again",
	"incident.action_saved":         "Saved an action of an incident",
	"incident.action_dropped":       "Took an action out of an incident",
	"item.open":                     "Put an item back to open",
	"item.opened":                   "Opened an item",
	"item.reopened":                 "Opened an item again",
	"item.in_progress":              "Began an item",
	"item.done":                     "Marked an item done",
	"item.verified":                 "Verified an item",
	"item.closed":                   "Closed an item",
	"item.kept":                     "Raised an open item again",
	"item.ticket_closed":            "Kept an item of evidence whose ticket was closed",
	"lesson.proposed":               "Proposed a lesson",
	"lesson.changed":                "Changed a lesson",
	"lesson.accepted":               "Accepted a lesson",
	"lesson.merged":                 "Merged a lesson into another",
	"lesson.declined":               "Declined a lesson",
	"lesson.published":              "Published a lesson",
	"link.accepted":                 "Set a password by a link",
	"link.made":                     "Made a one-time link",
	"membership.removed":            "Took a person out of a team",
	"membership.set":                "Put a person in a team",
	"organisation.set":              "Named the organisation",
	"password.changed":              "Changed the password",
	"person.deactivated":            "Deactivated a person",
	"person.invited":                "Invited a person",
	"person.reactivated":            "Reactivated a person",
	"person.renamed":                "Changed the name",
	"person.settings":               "Changed how they answer",
	"questionnaire.draft_created":   "Began a draft of a questionnaire",
	"questionnaire.draft_discarded": "Threw a draft of a questionnaire away",
	"questionnaire.draft_saved":     "Saved a draft of a questionnaire",
	"question.switched_off":         "Switched a question off",
	"question.marked":               "Marked a question",
	"question.unmarked":             "Took a mark off a question",
	"question.marks_settled":        "Settled marks on questions",
	"question.switched_on":          "Switched a question on",
	"questionnaire.published":       "Published a questionnaire",
	"review.cancelled":              "Cancelled a review",
	"review.started":                "Started a review",
	"review.planned":                "Changed the plan of a review",
	"review.upgraded":               "Upgraded a review to newer questions",
	"review_type.added":             "Added a review type",
	"review_type.changed":           "Changed a review type",
	"answers.confirmed":             "Confirmed answers of a section",
	"answers.drafted":               "Took answers from the Well-Architected Tool",
	"roles.set":                     "Set the roles of a person",
	"round.changes_requested":       "Asked for changes",
	"round.decided":                 "Decided and sealed a round",
	"round.signed_off":              "Signed off a round",
	"round.submitted":               "Submitted a round",
	"round.withdrawn":               "Withdrew a round",
	"session.ended":                 "Ended a session",
	"session.started":               "Signed in",
	"sessions.ended":                "Ended all sessions",
	"team.created":                  "Made a team",
	"team.renamed":                  "Renamed a team",
	"thread.reopened":               "Reopened a thread",
	"thread.resolved":               "Resolved a thread",
	"token.created":                 "Made an API token",
	"token.revoked":                 "Revoked an API token",
	"account.allowed":               "Allowed a workload to name an account",
	"account.disallowed":            "No longer allows a workload to name an account",
	"connection.added":              "Connected an AWS account",
	"connection.changed":            "Changed a connection to AWS",
	"connection.removed":            "Removed a connection to AWS",
	"workload.brought_back":         "Brought a workload back",
	"workload.changed":              "Changed a workload",
	"workload.created":              "Added a workload",
	"workload.moved":                "Moved a workload to another team",
	"workload.retired":              "Retired a workload",
}

// VerbWords says a verb in words; one it does not know without its signs.
func VerbWords(verb string) string {
	if words, ok := verbWords[verb]; ok {
		return words
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(verb)
}

// recordFacts is what stands behind a line.
func recordFacts(l AuditLine) []ui.Definition {
	list := []ui.Definition{{Term: "Record", Text: strconv.FormatInt(l.Seq, 10) + " of " + l.Stream}}
	for _, d := range l.Details {
		list = append(list, ui.Definition{Term: strings.ReplaceAll(d.Name, "_", " "), Text: orElse(d.Value, "none")})
	}
	if l.RequestID != "" {
		list = append(list, ui.Definition{Term: "Request", Text: l.RequestID})
	}
	return append(list, ui.Definition{Term: "Hash", Text: hex.EncodeToString(l.Hash)})
}
