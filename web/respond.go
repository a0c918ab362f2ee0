package web

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/web/views"
	"orrery/web/views/ui"
)

// Route is one line of the list of routes.
type Route struct {
	Method  string
	Pattern string
	handle  handler
}

// visit is one request to a page: who asks, and the means to answer.
type visit struct {
	*Server
	w   http.ResponseWriter
	r   *http.Request
	who identity.Actor // the zero Actor when nobody is signed in

	free func() // lets the next page be made: before what takes long and is bounded otherwise
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// handler answers a visit; a returned error becomes a page.
type handler func(v *visit) error

// signedIn wraps a handler for people who are signed in: others are sent to sign in.
func signedIn(h handler) handler {
	return func(v *visit) error {
		if v.who.PersonID == uuid.Nil {
			return fault.New(fault.Unauthenticated, "Sign in to see this page.")
		}
		return h(v)
	}
}

// open marks a handler that anyone may reach.
func open(h handler) handler { return h }

// serve loads the actor once and turns a returned error into a page.
func (s *Server) serve(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Server: s, w: w, r: r}
		var err error
		if v.who, err = s.actor(r); err == nil {
			err = s.pages.serve(v, route.handle)
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				s.counts.forget(v.who.PersonID)
			}
		}
		if err != nil {
			v.fail(err)
		}
	})
}

func notFound(*visit) error { return fault.New(fault.NotFound, "There is no such page.") }

func methodNotAllowed(v *visit) error {
	v.w.Header().Set("Allow", "GET, HEAD, POST")
	return v.problem(http.StatusMethodNotAllowed, "Not that way", "This address does not take "+v.r.Method+" requests.")
}

var statusOf = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

var problemTitles = map[fault.Kind]string{
	fault.Internal: "Something failed on our side", fault.Invalid: "There is a problem with what was entered",
	fault.Unauthenticated: "You are not signed in", fault.Forbidden: "You may not do this", fault.NotFound: "Not found",
	fault.Conflict: "This changed in the meantime", fault.TooMany: "Too many tries", fault.Unavailable: "Not available right now",
}

// fail answers with the page of an error. Only unclassified errors and outages are logged
// as errors: everything else is the reader's affair.
func (v *visit) fail(err error) {
	var tooLarge *http.MaxBytesError
	kind := fault.KindOf(err)
	if v.r.Method == http.MethodPost && v.r.PostForm == nil {
		_, _ = v.form() // so that what was typed can be kept
	}
	if kind == fault.Internal {
		err = postgres.Classify(err)
		kind = fault.KindOf(err)
	}
	switch {
	case errors.As(err, &tooLarge):
		err = v.problem(http.StatusRequestEntityTooLarge, "Too large", "The form is larger than 1 MB, so nothing was read.")
	case errors.Is(v.ctx().Err(), context.Canceled):
		return // the reader went away
	case v.r.Method == http.MethodPost && len(v.r.PostForm) > 0 && kind != fault.NotFound:
		err = v.keep(kind, err)
	case kind == fault.Unauthenticated && v.r.Method == http.MethodGet:
		http.Redirect(v.w, v.r, "/sign-in?next="+url.QueryEscape(v.r.URL.RequestURI()), http.StatusSeeOther)
		return
	default:
		if kind == fault.Internal || kind == fault.Unavailable {
			v.Log.Error("request failed", "request_id", RequestID(v.ctx()), "method", v.r.Method, "path", v.r.URL.Path, "error", err)
		}
		err = v.problem(statusOf[kind], problemTitles[kind], words(err))
	}
	if err != nil {
		v.Log.Error("render problem", "request_id", RequestID(v.ctx()), "error", err)
		http.Error(v.w, "Something failed on our side.", http.StatusInternalServerError)
	}
}

// keep answers a refused form with what was typed in it: to read, to copy, and to send again
// once what was in the way is mended. Passwords are left out.
func (v *visit) keep(kind fault.Kind, err error) error {
	if kind == fault.Internal || kind == fault.Unavailable {
		v.Log.Error("request failed", "request_id", RequestID(v.ctx()), "method", v.r.Method, "path", v.r.URL.Path, "error", err)
	}
	k := views.Kept{
		Problem: ui.ProblemProps{Status: statusOf[kind], Title: problemTitles[kind], Text: words(err)},
		Action:  v.r.URL.Path, SignIn: kind == fault.Unauthenticated,
	}
	if !k.SignIn {
		k.From = v.cameFrom()
	}
	for _, name := range slices.Sorted(maps.Keys(v.r.PostForm)) {
		if !slices.Contains(secretFields, name) {
			for _, value := range v.r.PostForm[name] {
				k.Fields = append(k.Fields, views.KeptField{Name: name, Value: value})
			}
		}
	}
	return v.render(statusOf[kind], views.KeptForm(v.page(problemTitles[kind], ""), k))
}

// cameFrom is the page of this site that the form was sent from, when the browser says it and
// it can be opened again.
func (v *visit) cameFrom() string {
	at, err := url.Parse(v.r.Referer())
	route := chi.RouteContext(v.ctx())
	if err != nil || at.Host != v.r.Host || route == nil || route.Routes == nil || !route.Routes.Match(chi.NewRouteContext(), http.MethodGet, at.Path) {
		return ""
	}
	return localPath(at.RequestURI())
}

var secretFields = []string{"password", "current", "new_password", "token"}

// words are what an error says to a person: the sentences of its fields, or its own.
func words(err error) string {
	fields := fault.FieldsOf(err)
	if len(fields) == 0 {
		return fault.MessageOf(err)
	}
	said := make([]string, 0, len(fields))
	for _, f := range fields {
		if !slices.Contains(said, f.Message) {
			said = append(said, f.Message)
		}
	}
	return strings.Join(said, " ")
}

func (v *visit) problem(status int, title, text string) error {
	p := ui.ProblemProps{Status: status, Title: title, Text: text, Action: ui.Link{Text: "Go to my work", Href: "/"}}
	if status >= 500 {
		p.RequestID = RequestID(v.ctx())
	}
	return v.render(status, views.Problem(v.page(title, ""), p))
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// borrow hands out an empty buffer; giveBack takes it in again unless it grew large.
func borrow() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxForm {
		buffers.Put(b)
	}
}

// render writes a component as the whole answer. It is rendered to a buffer first, so a
// failing page is never half a page.
func (v *visit) render(status int, c templ.Component) error {
	b := borrow()
	defer giveBack(b)
	if err := c.Render(v.ctx(), b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len())) // the compressor takes it away again
	v.w.WriteHeader(status)
	if _, err := v.w.Write(b.Bytes()); err != nil {
		v.Log.Debug("write page", "error", err)
	}
	return nil
}

// redirect sends the reader on after a form was taken, with a notice to say once there.
func (v *visit) redirect(to, notice string) error {
	if notice != "" {
		http.SetCookie(v.w, v.cookie(noticeCookie, url.QueryEscape(notice), time.Minute))
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// invalid reports whether err is about the form's input, and returns its messages.
func invalid(err error) (ui.FieldErrors, bool) {
	if !fault.Is(err, fault.Invalid) {
		return nil, false
	}
	list := fieldErrors(err)
	if len(list) == 0 {
		list = ui.FieldErrors{{Message: fault.MessageOf(err)}}
	}
	return list, true
}

// fieldErrors are the messages of an error that belong to fields.
func fieldErrors(err error) (list ui.FieldErrors) {
	for _, f := range fault.FieldsOf(err) {
		list = append(list, ui.FieldError{Name: f.Name, Message: f.Message})
	}
	return list
}

// pathID reads a UUID from the path; a malformed one is as unknown as an absent one.
func (v *visit) pathID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(v.r.PathValue(name))
	if err != nil {
		return uuid.Nil, fault.New(fault.NotFound, "There is no such page.")
	}
	return id, nil
}

// idForm reads the id in the address and the form that was sent.
func (v *visit) idForm() (uuid.UUID, url.Values, error) {
	id, err := v.pathID("id")
	if err != nil {
		return id, nil, err
	}
	form, err := v.form()
	return id, form, err
}

// form reads the posted form; a body that is too large or malformed is an error page.
func (v *visit) form() (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.Invalid, "This address takes a form as browsers send it (application/x-www-form-urlencoded); nothing was read.")
	}
	if err := v.r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, fault.Wrap(fault.Invalid, err, "The form could not be read.")
	}
	return v.r.PostForm, nil
}

// ignoreGone drops the error of writing to a reader who went away: nothing can be answered.
func ignoreGone(v *visit, err error) error {
	if err != nil {
		v.Log.Debug("write answer", "error", err)
	}
	return nil
}
