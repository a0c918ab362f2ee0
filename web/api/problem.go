package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orrery/internal/fault"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
)

// Problem is what every answer that is no success holds (RFC 9457).
type Problem struct {
	Type      string  `json:"type" doc:"Address of the words on this kind of problem."`
	Title     string  `json:"title" doc:"The status in words."`
	Status    int     `json:"status"`
	Detail    string  `json:"detail" doc:"What happened and what mends it, for people."`
	Errors    []Place `json:"errors,omitempty" doc:"What is wrong where."`
	RequestID string  `json:"request_id,omitempty" doc:"Name it when you report a failure."`
}

// Place is one thing that is wrong, and where it stands in the request.
type Place struct {
	Location string `json:"location,omitempty" doc:"Such as body.title, query.limit, path.key, header.If-Match."`
	Pointer  string `json:"pointer,omitempty" doc:"JSON pointer into the body, such as /production/accounts/0."`
	Message  string `json:"message"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems, whatever was asked for.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

const problemType = "/api/docs#problems"

// init makes every problem that huma finds by itself one of ours: the library has this as two
// variables of its package.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return newProblem(status, msg, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := newProblem(status, msg, errs)
		if ctx != nil {
			p.RequestID = actorOf(ctx.Context()).RequestID
		}
		return p
	}
}

func newProblem(status int, msg string, errs []error) *Problem {
	p := &Problem{Type: problemType, Title: http.StatusText(status), Status: status, Detail: msg}
	if msg == "validation failed" {
		p.Detail = "There is a problem with what was sent."
	}
	for _, err := range errs {
		var d *huma.ErrorDetail
		switch {
		case err == nil:
		case errors.As(err, &d):
			p.Errors = append(p.Errors, placeOf(d.Location, d.Message))
		default:
			p.Errors = append(p.Errors, Place{Message: err.Error()})
		}
	}
	return p
}

// placeOf adds the JSON pointer (RFC 6901) of a place in the body.
func placeOf(location, message string) Place {
	p := Place{Location: location, Message: message}
	if in, path, _ := strings.Cut(location, "."); in == "body" && path != "" {
		path = strings.NewReplacer("~", "~0", "/", "~1", "[", ".", "]", "").Replace(path)
		p.Pointer = "/" + strings.ReplaceAll(path, ".", "/")
	}
	return p
}

var statusOf = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// problem turns a service's error into the API's, with a place per field; in says where the
// fields stand: "query", "path" or "body".
func (s *server) problem(ctx context.Context, err error, in string) error {
	var made *Problem
	if errors.As(err, &made) {
		return made
	}
	var headed huma.HeadersError
	if errors.As(err, &headed) {
		return err
	}
	err = classified(err)
	kind := fault.KindOf(err)
	if kind == fault.Internal || kind == fault.Unavailable {
		s.Log.Error("api request failed", "request_id", s.RequestID(ctx), "error", err)
	}
	p := newProblem(statusOf[kind], fault.MessageOf(err), nil)
	p.RequestID = actorOf(ctx).RequestID
	for _, f := range fault.FieldsOf(err) {
		p.Errors = append(p.Errors, place(ctx, in, f.Name, f.Message))
	}
	var refused questionnaire.Problems
	if errors.As(err, &refused) {
		for _, one := range refused {
			place := Place{Message: one.String()}
			if in == "body" {
				place.Location, place.Pointer = "body.content", "/content"
			}
			p.Errors = append(p.Errors, place)
		}
	}
	return p
}

// refuse is a problem of the API itself.
func refuse(ctx context.Context, status int, location, detail string) error {
	p := newProblem(status, detail, nil)
	p.RequestID = actorOf(ctx).RequestID
	if location != "" {
		p.Errors = []Place{placeOf(location, detail)}
	}
	return p
}

func (s *server) writeFault(w http.ResponseWriter, r *http.Request, err error) {
	err = classified(err)
	kind := fault.KindOf(err)
	if kind == fault.Internal || kind == fault.Unavailable {
		s.Log.Error("api request failed", "request_id", s.RequestID(r.Context()), "error", err)
	}
	s.writeProblem(w, r, statusOf[kind], fault.MessageOf(err))
}

// classified gives words to what only the database knows.
func classified(err error) error {
	if fault.KindOf(err) == fault.Internal {
		return postgres.Classify(err)
	}
	return err
}

func (s *server) writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string, places ...error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	p := newProblem(status, detail, places)
	p.RequestID = s.RequestID(r.Context())
	_ = json.NewEncoder(w).Encode(p)
}
