package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/sheet"
	"orrery/internal/text"
	"orrery/internal/workload"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// tablePath takes tables of teams, people and workloads. As with questionnaires a first POST
// is a dry run whose answer holds the bytes in a form, and the POST of that form writes what
// was shown.
const tablePath = "/import/"

func tableRoutes() []Route {
	return []Route{
		{"GET", tablePath + "{kind}", admin(tableForm)},
		{"GET", tablePath + "{kind}/template.csv", admin(tableTemplate)},
		{"POST", tablePath + "{kind}", admin(importTable)},
	}
}

// tableColumns are the columns of the kinds of tables.
var tableColumns = map[string][]sheet.Column{"teams": identity.TeamColumns, "people": identity.PeopleColumns, "workloads": workload.Columns}

// tableOf starts the page of the kind in the path.
func (v *visit) tableOf() (views.TablePage, error) {
	p := views.TablePage{Kind: v.r.PathValue("kind")}
	if p.Columns = tableColumns[p.Kind]; p.Columns == nil {
		return p, fault.New(fault.NotFound, "There is no such page.")
	}
	return p, nil
}

func tableForm(v *visit) error {
	p, err := v.tableOf()
	if err != nil {
		return err
	}
	return v.showTable(http.StatusOK, p, nil)
}

func (v *visit) showTable(status int, p views.TablePage, errs ui.FieldErrors) error {
	home := map[string]ui.Link{"teams": {Text: "Teams", Href: "/teams"}, "people": {Text: "People", Href: "/people"}, "workloads": {Text: "Workloads", Href: "/workloads"}}[p.Kind]
	frame := v.page("Import "+p.Kind, home.Href, home, ui.Link{Text: "Import"})
	frame.Errors = errs
	return v.render(status, views.ImportTable(frame, p))
}

func tableTemplate(v *visit) error {
	p, err := v.tableOf()
	if err != nil {
		return err
	}
	var head, example []string
	for _, c := range p.Columns {
		head, example = append(head, c.Name), append(example, text.Cell(c.Example))
	}
	w := v.csvWriter(p.Kind+".csv", head...)
	_ = w.Write(example)
	w.Flush()
	return ignoreGone(v, w.Error())
}

// importTable shows what would come of a table, or writes it when it was shown before.
func importTable(v *visit) error {
	p, err := v.tableOf()
	if err != nil {
		return err
	}
	data, name, err := v.table()
	if errs, bad := invalid(err); bad {
		return v.showTable(http.StatusUnprocessableEntity, p, errs)
	}
	if err != nil {
		return err
	}
	p.FileName, p.Content = name, base64.StdEncoding.EncodeToString(data)
	if name == pasted {
		p.Pasted = string(data)
	}
	rows, problems := sheet.Parse(data, p.Columns)
	if p.Problems = problems; len(problems) > 0 {
		return v.showTable(http.StatusUnprocessableEntity, p, nil)
	}
	if _, err := v.runTable(&p, rows, false); err != nil {
		return err
	}
	p.Shown = shownSum(data, p.Changes)
	if p.Kind == "people" && v.r.PostForm.Get("act") == "write" && v.r.PostForm.Get("shown") != p.Shown {
		if p.Before, err = v.Identity.ImportedBefore(v.ctx(), v.who, rows); err != nil {
			return err
		}
	}
	switch {
	case len(p.Before) > 0:
		return v.showTable(http.StatusConflict, p, nil) // it was sent twice
	case sheet.Count(p.Changes, sheet.Refused) > 0:
		return v.showTable(http.StatusUnprocessableEntity, p, nil)
	case v.r.PostForm.Get("act") != "write":
		return v.showTable(http.StatusOK, p, nil)
	case v.r.PostForm.Get("shown") != p.Shown:
		p.Changed = true // another file, or something was changed here meanwhile: look again first
		return v.showTable(http.StatusConflict, p, nil)
	}
	kept, err := v.runTable(&p, rows, true)
	if err != nil {
		return err
	}
	if !kept {
		p.Changed = true
		return v.showTable(http.StatusConflict, p, nil)
	}
	if len(p.Invited) > 0 {
		return v.showTable(http.StatusOK, p, nil) // the links are shown once, here
	}
	return v.redirect("/"+p.Kind, p.DoneWords())
}

// runTable does the rows, and keeps them when keep is set and none is refused.
func (v *visit) runTable(p *views.TablePage, rows []sheet.Row, keep bool) (kept bool, err error) {
	switch p.Kind {
	case "teams":
		p.Changes, kept, err = v.Identity.ImportTeams(v.ctx(), v.who, rows, keep)
	case "people":
		var links []identity.Invited
		p.Changes, links, kept, err = v.Identity.ImportPeople(v.ctx(), v.who, rows, keep)
		for _, one := range links {
			p.Invited = append(p.Invited, views.InvitedPerson{Name: one.Name, Email: one.Email, URL: v.PublicURL + "/link/" + one.Link.Secret})
		}
	default:
		p.Changes, kept, err = v.Workloads.Import(v.ctx(), v.who, rows, keep)
	}
	return kept, err
}

// shownSum stands for a file and all that would come of it.
func shownSum(data []byte, changes []sheet.Change) string {
	sum := sha256.New()
	_, _ = sum.Write(data)
	for _, c := range changes {
		_, _ = fmt.Fprintf(sum, "\n%d %q %s %q", c.Line, c.Key, c.Kind, c.Words)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

const pasted = "what you pasted" // in place of the name of a file

// table reads the posted table: a file, what was pasted, or what the form has kept. Invalid
// on "file" when there is none.
func (v *visit) table() (data []byte, name string, err error) {
	if err := v.r.ParseMultipartForm(maxUpload); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return nil, "", fault.InvalidField("file", "The file is longer than 2 MB, so it was not read. Split it.")
		}
		return nil, "", fault.Wrap(fault.Invalid, err, "The form could not be read.")
	}
	form := v.r.PostForm
	if kept := form.Get("content"); kept != "" {
		if data, err = base64.StdEncoding.DecodeString(kept); err != nil {
			return nil, "", fault.Wrap(fault.Invalid, err, "The form could not be read.")
		}
		return data, text.Clean(form.Get("name")), nil
	}
	file, head, err := v.r.FormFile("file")
	if err == nil {
		defer func() { _ = file.Close() }()
		if data, err = io.ReadAll(file); err != nil {
			return nil, "", fault.InvalidField("file", "The file could not be read. Try again.")
		}
		if len(data) > 0 {
			return data, text.Clean(head.Filename), nil
		}
	}
	if rows := form.Get("pasted"); rows != "" {
		return []byte(rows), pasted, nil
	}
	return nil, "", fault.InvalidField("file", "Choose a file, or paste its rows below.")
}
