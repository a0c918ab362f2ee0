// Package api is the REST API: its own request and response types over the same services
// as the pages. Bearer tokens only, no cookies; every address needs one but the description
// of the API itself. Errors are problem+json (RFC 9457).
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/postgres"
	"orrery/internal/review"
)

// Deps is what the API needs; cmd/server fills it.
type Deps struct {
	Identity  *identity.Service
	Reviews   *review.Service
	RequestID func(context.Context) string
	PublicURL string
	Version   string
	Log       *slog.Logger
	Now       func() time.Time
}

const maxBody = 1 << 20

type server struct{ Deps }

// New returns the handler of everything under /api/.
func New(d Deps) http.Handler {
	s := &server{d}
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "There is no such address in this API.")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		writeProblem(w, http.StatusMethodNotAllowed, "This address does not take "+req.Method+" requests.")
	})
	r.Use(s.authenticate)
	config := huma.DefaultConfig("Orrery", d.Version)
	config.Info.Description = "Ask whether a workload may launch. Each request carries a token: Authorization: Bearer orr_pat_..."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/openapi", "", ""
	config.CreateHooks = nil // no $schema member in every body
	config.RejectUnknownQueryParameters = true
	config.Servers = []*huma.Server{{URL: d.PublicURL}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	config.Security = []map[string][]string{{"token": {}}}
	a := humachi.New(r, config)
	s.launch(a)
	return r
}

type actorKey struct{}

func actorOf(ctx context.Context) identity.Actor {
	who, _ := ctx.Value(actorKey{}).(identity.Actor)
	return who
}

// authenticate denies by default: a request without a valid token ends here. Only the
// description of the API is open.
func (s *server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/openapi.json" || r.URL.Path == "/api/openapi.yaml" {
			next.ServeHTTP(w, r)
			return
		}
		secret, ok := bearer(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, http.StatusUnauthorized, "Send a token: Authorization: Bearer orr_pat_...")
			return
		}
		who, err := s.Identity.ActorByToken(r.Context(), secret)
		if err != nil {
			if fault.Is(err, fault.Unauthenticated) {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
			s.writeFault(w, r, err)
			return
		}
		who.RequestID = s.RequestID(r.Context())
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, who)))
	})
}

// bearer reads the token of a request; there is one Authorization header or none.
func bearer(r *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || secret == "" || len(r.Header.Values("Authorization")) > 1 {
		return "", false
	}
	return secret, true
}

var statusOf = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusPreconditionFailed, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// problem turns a service's error into the API's, with a place per field.
func (s *server) problem(ctx context.Context, err error, in string) error {
	err = classified(err)
	kind := fault.KindOf(err)
	if kind == fault.Internal || kind == fault.Unavailable {
		s.Log.Error("api request failed", "request_id", s.RequestID(ctx), "error", err)
	}
	var details []error
	for _, f := range fault.FieldsOf(err) {
		details = append(details, &huma.ErrorDetail{Location: in + "." + f.Name, Message: f.Message})
	}
	return huma.NewError(statusOf[kind], fault.MessageOf(err), details...)
}

func (s *server) writeFault(w http.ResponseWriter, r *http.Request, err error) {
	err = classified(err)
	kind := fault.KindOf(err)
	if kind == fault.Internal || kind == fault.Unavailable {
		s.Log.Error("api request failed", "request_id", s.RequestID(r.Context()), "error", err)
	}
	writeProblem(w, statusOf[kind], fault.MessageOf(err))
}

// classified gives words to what only the database knows.
func classified(err error) error {
	if fault.KindOf(err) == fault.Internal {
		return postgres.Classify(err)
	}
	return err
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}
