package web

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/questionnaire"
	"orrery/internal/text"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// importPath takes files of questions. A first POST is a dry run: nothing is written, and
// the answer holds the bytes in a form. A second POST of that form publishes them. The form
// carries the bytes, so no half-done import waits in the database for somebody to clean up,
// and what is published is what was shown.
const importPath = "/questionnaires/import"

// maxUpload bounds a posted file: the longest one allowed, in base64, whatever its
// characters take.
const maxUpload = 4 << 20

// tooLong is the sentence for a file over the limit.
const tooLong = "The file is longer than 500,000 characters, so it was not read. Split it into several sets."

func importRoutes() []Route {
	return []Route{
		{"GET", importPath, signedIn(curating(importForm))},
		{"POST", importPath, signedIn(curating(importFile))},
	}
}

// curating refuses who may not change the library before anything is read.
func curating(h handler) handler {
	return func(v *visit) error {
		if err := v.who.May(identity.Curate, identity.Target{}); err != nil {
			return err
		}
		return h(v)
	}
}

func importForm(v *visit) error { return v.showImport(http.StatusOK, views.ImportPage{}, nil) }

func (v *visit) showImport(status int, i views.ImportPage, errs ui.FieldErrors) error {
	frame := v.page("Import a set", library, ui.Link{Text: "Questionnaires", Href: library}, ui.Link{Text: "Import"})
	frame.Errors = errs
	return v.render(status, views.ImportQuestionnaire(frame, i))
}

func importFile(v *visit) error {
	up, err := v.upload()
	if errs, bad := invalid(err); bad {
		return v.showImport(http.StatusUnprocessableEntity, views.ImportPage{}, errs)
	}
	if err != nil {
		return err
	}
	page := views.ImportPage{FileName: up.Name, Content: base64.StdEncoding.EncodeToString(up.Data)}
	if page.Proposal, err = v.Library.Propose(v.ctx(), v.who, up); err != nil {
		return err
	}
	status := http.StatusOK
	if !page.Fits() {
		status = http.StatusUnprocessableEntity
	}
	if v.r.PostForm.Get("act") != "publish" || !page.Fits() {
		return v.showImport(status, page, nil)
	}
	if v.r.PostForm.Get("shown") != page.Shown() {
		page.Changed = true // another key, or a version that was published meanwhile: look again first
		return v.showImport(http.StatusConflict, page, nil)
	}
	p, err := v.Library.Import(v.ctx(), v.who, up)
	if err != nil {
		return err
	}
	return v.redirect(views.QuestionnairePath(p.Key, ""), "Version "+p.Version+" of "+page.Set.Name+" is published.")
}

// upload reads the file of the form: a new one, or the one the form has kept. Invalid on
// "file" when there is none, or it is too long.
func (v *visit) upload() (up questionnaire.Upload, err error) {
	if err := v.r.ParseMultipartForm(maxUpload); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return up, fault.InvalidField("file", tooLong)
		}
		return up, fault.Wrap(fault.Invalid, err, "The form could not be read.")
	}
	form := v.r.PostForm
	up = questionnaire.Upload{Name: text.Clean(form.Get("name")), Key: text.Clean(form.Get("key")), Version: text.Clean(form.Get("version"))}
	if kept := form.Get("content"); kept != "" {
		if up.Data, err = base64.StdEncoding.DecodeString(kept); err != nil {
			return up, fault.Wrap(fault.Invalid, err, "The form could not be read.")
		}
		return up, nil
	}
	file, head, err := v.r.FormFile("file")
	if err != nil {
		return up, fault.InvalidField("file", "Choose a file.")
	}
	defer func() { _ = file.Close() }()
	up.Name = cmp.Or(text.Clean(head.Filename), "the file")
	if up.Data, err = io.ReadAll(file); err != nil {
		return up, fault.InvalidField("file", "The file could not be read. Try again.")
	}
	if len(up.Data) == 0 {
		return up, fault.InvalidField("file", "The file is empty. Choose another.")
	}
	return up, nil
}
