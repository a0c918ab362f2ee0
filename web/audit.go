package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"orrery/internal/audit"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// auditRoutes show the record of what was done, to auditors and admins.
func auditRoutes() []Route {
	return []Route{
		{"GET", "/audit", signedIn(auditPage)},
		{"POST", "/audit/verify", signedIn(verifyAudit)},
	}
}

func auditPage(v *visit) error { return v.showAudit(views.AuditPage{}) }

// verifyAudit walks every chain and says in one sentence what it found.
func verifyAudit(v *visit) error {
	if err := v.who.May(identity.ReadAudit, identity.Target{}); err != nil {
		return err
	}
	report, broken, err := audit.Verify(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	a := views.AuditPage{Whole: broken == nil}
	if broken == nil {
		a.Verified = fmt.Sprintf("Whole: %s in %s checked, and none was changed, lost or added.",
			plural(report.Records, "record", "records"), plural(report.Streams, "stream", "streams"))
	} else {
		a.Verified = fmt.Sprintf("Broken at record %d of the stream %s. %s", broken.Seq, broken.Stream, broken.Why)
	}
	return v.showAudit(a)
}

// plural is a number with its word.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// showAudit lists the records that the address asks for, under the answer of a verification
// if there was one.
func (v *visit) showAudit(a views.AuditPage) error {
	f, err := v.auditFilter(&a)
	var entries []audit.Entry
	var next string
	if err == nil {
		entries, next, err = audit.Records(v.ctx(), v.DB, v.who, f)
	}
	errs, refused := invalid(err)
	if err != nil && !refused {
		return err
	}
	if next != "" {
		a.Older = v.sameList("after", next)
	}
	if a.Lines, err = v.auditLines(entries); err != nil {
		return err
	}
	p := v.page("Audit record", "/audit")
	p.Errors = errs
	if refused {
		return v.render(http.StatusUnprocessableEntity, views.Audit(p, a))
	}
	return v.render(http.StatusOK, views.Audit(p, a))
}

// auditFilter reads the filters of the address. Forbidden before anything is looked up.
func (v *visit) auditFilter(a *views.AuditPage) (f audit.Filter, err error) {
	if err := v.who.May(identity.ReadAudit, identity.Target{}); err != nil {
		return f, err
	}
	q := v.r.URL.Query()
	f.After = q.Get("after")
	if q.Get("stream") == audit.OrgStream {
		a.Stream, f.Stream = audit.OrgStream, audit.OrgStream
	}
	if a.Verb = q.Get("verb"); a.Verb != "" {
		if a.Filters++; !views.KnownVerb(a.Verb) {
			a.Verb = ""
			return f, fault.InvalidField("verb", "Choose what was done from the list.")
		}
		f.Verb = a.Verb
	}
	if id := q.Get("actor"); id != "" {
		if f.ActorID, err = uuid.Parse(id); err != nil {
			return f, fault.New(fault.NotFound, "There is no such person.")
		}
		a.Filters++
		one, err := v.Identity.Person(v.ctx(), v.who, f.ActorID)
		if err != nil {
			return f, err
		}
		a.ActorID, a.Actor = f.ActorID.String(), ui.Link{Text: one.Name, Href: "/people/" + f.ActorID.String()}
	}
	if a.Workload = strings.TrimSpace(q.Get("workload")); a.Workload != "" {
		a.Filters++
		w, err := v.workloadTyped(v.who, a.Workload)
		if fault.Is(err, fault.NotFound) {
			return f, fault.InvalidField("workload", "No workload that you may see has this key.")
		}
		if err != nil {
			return f, err
		}
		f.Stream, a.Stream = audit.WorkloadStream(w.ID), ""
	}
	return f, nil
}

// auditLines gives names to what the records are about.
func (v *visit) auditLines(entries []audit.Entry) ([]views.AuditLine, error) {
	n := namer{v: v, people: map[string]ui.Link{}, workloads: map[string]ui.Link{}}
	lines := make([]views.AuditLine, 0, len(entries))
	for _, e := range entries {
		target, err := n.target(e)
		if err != nil {
			return nil, err
		}
		place, err := n.place(e)
		if err != nil {
			return nil, err
		}
		lines = append(lines, views.AuditLine{Entry: e, Target: target, Place: place})
	}
	return lines, nil
}

// namer looks names up, each once.
type namer struct {
	v                        *visit
	people, teams, workloads map[string]ui.Link
}

// place is the workload of a record's stream.
func (n *namer) place(e audit.Entry) (ui.Link, error) {
	id, ok := strings.CutPrefix(e.Stream, "workload/")
	if !ok || e.TargetKind == "workload" {
		return ui.Link{}, nil
	}
	return n.workload(id)
}

func (n *namer) target(e audit.Entry) (ui.Link, error) {
	switch e.TargetKind {
	case "person":
		return n.person(e.TargetID)
	case "team":
		return n.team(e.TargetID)
	case "workload":
		return n.workload(e.TargetID)
	case "review":
		return ui.Link{Text: "Review", Href: "/reviews/" + e.TargetID}, nil
	case "item":
		return ui.Link{Text: "Item", Href: "/items/" + e.TargetID}, nil
	case "acceptance":
		return ui.Link{Text: "Risk acceptance", Href: "/acceptances/" + e.TargetID}, nil
	case "comment":
		return ui.Link{Text: "Comment", Href: "/comments/" + e.TargetID}, nil
	case "thread":
		return ui.Link{Text: "Thread"}, nil
	case "attachment":
		return ui.Link{Text: "File or link"}, nil
	case "run":
		return ui.Link{Text: "Evidence run", Href: "/runs/" + e.TargetID}, nil
	case "token":
		return ui.Link{Text: "API token"}, nil
	case "organisation":
		return ui.Link{Text: "The organisation"}, nil
	}
	for _, d := range e.Details {
		if d.Name == "key" {
			return ui.Link{Text: d.Value}, nil
		}
	}
	return ui.Link{Text: views.VerbWords(e.TargetKind)}, nil
}

func (n *namer) person(id string) (ui.Link, error) {
	if link, ok := n.people[id]; ok {
		return link, nil
	}
	link := ui.Link{Text: "A person"}
	if parsed, err := uuid.Parse(id); err == nil {
		one, err := n.v.Identity.Person(n.v.ctx(), n.v.who, parsed)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return link, err
		}
		if err == nil {
			link = ui.Link{Text: one.Name, Href: "/people/" + id}
		}
	}
	n.people[id] = link
	return link, nil
}

func (n *namer) team(id string) (ui.Link, error) {
	if n.teams == nil {
		n.teams = map[string]ui.Link{}
		teams, err := n.v.Identity.Teams(n.v.ctx(), n.v.who)
		if err != nil {
			return ui.Link{}, err
		}
		for _, t := range teams {
			n.teams[t.ID.String()] = ui.Link{Text: t.Name, Href: "/teams/" + t.Key}
		}
	}
	if link, ok := n.teams[id]; ok {
		return link, nil
	}
	return ui.Link{Text: "A team"}, nil
}

func (n *namer) workload(id string) (ui.Link, error) {
	if link, ok := n.workloads[id]; ok {
		return link, nil
	}
	link := ui.Link{Text: "A workload"}
	if parsed, err := uuid.Parse(id); err == nil {
		w, err := workload.Load(n.v.ctx(), n.v.DB, n.v.who, parsed)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return link, err
		}
		if err == nil {
			link = ui.Link{Text: w.Name, Href: "/workloads/" + w.Key}
		}
	}
	n.workloads[id] = link
	return link, nil
}
