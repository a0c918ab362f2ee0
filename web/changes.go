package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/text"
	"orrery/web/views"
)

// changeRoutes compare what two collections of a workload found.
func changeRoutes() []Route {
	return []Route{
		{"GET", "/workloads/{key}/evidence/changes", signedIn(changesPage)},
		{"GET", "/workloads/{key}/evidence/changes.csv", signedIn(changesCSV)},
	}
}

// changes reads the two runs that are asked for: the last two that ended, when nothing is.
func (v *visit) changes(tail string) (p views.ChangesPage, moved string, err error) {
	w, moved, err := v.workloadByPath(tail)
	if err != nil || moved != "" {
		return p, moved, err
	}
	p = views.ChangesPage{Workload: w, Now: v.Now(), CanRead: v.who.CanReadFindings(w.Target())}
	all, err := evidence.Runs(v.ctx(), v.DB, w.ID)
	if err != nil {
		return p, "", err
	}
	for _, r := range all {
		if r.FinishedAt != nil {
			p.Runs = append(p.Runs, r)
		}
	}
	if !p.CanRead || len(p.Runs) < 2 {
		return p, "", nil
	}
	from, to := p.Runs[1].ID, p.Runs[0].ID
	for name, id := range map[string]*uuid.UUID{"from": &from, "to": &to} {
		if typed := v.r.URL.Query().Get(name); typed != "" {
			if *id, err = uuid.Parse(typed); err != nil {
				return p, "", fault.New(fault.NotFound, "There is no such collection.")
			}
		}
	}
	p.Changes, err = v.Evidence.Changes(v.ctx(), v.who, w.ID, from, to)
	return p, "", err
}

func changesPage(v *visit) error {
	p, moved, err := v.changes("/evidence/changes")
	if moved != "" {
		return v.movedTo(moved)
	}
	if fault.Is(err, fault.Conflict) {
		return v.problem(http.StatusConflict, "Nothing can be compared yet", fault.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, views.Changes(v.page("Changes of the evidence of "+p.Workload.Name, "/workloads", workloadCrumbs(p.Workload, "Evidence")...), p))
}

// changesCSV gives the same as a file.
func changesCSV(v *visit) error {
	p, moved, err := v.changes("/evidence/changes.csv")
	if moved != "" {
		return v.movedTo(moved)
	}
	if err != nil {
		return err
	}
	if !p.CanRead {
		return fault.New(fault.Forbidden, "Single findings are for the workload's team, its approvers and facilitators, and auditors.")
	}
	w := v.csvWriter(p.Workload.Key+"-evidence-changes.csv", "change", "before", "after", "source", "control", "account", "region", "resource", "title", "at")
	for _, c := range p.Changes.List {
		cells := []string{c.Kind(), string(c.Before), string(c.After), c.Source, c.Control, c.Account, c.Region, c.Resource, c.Title, c.At.UTC().Format(time.RFC3339)}
		for i := range cells {
			cells[i] = text.Cell(cells[i])
		}
		_ = w.Write(cells) // the writer keeps its error until it is asked
	}
	w.Flush()
	return ignoreGone(v, w.Error())
}
