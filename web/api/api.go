// Package api is the REST API: its own request and response types over the same services
// as the pages. Bearer tokens only, no cookies; every address needs one but the description
// of the API itself. Errors are problem+json (RFC 9457); machine.go has what all resources
// share: pages, tags, keys of requests.
package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/fault"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/portfolio"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/report"
	"orrery/internal/review"
	"orrery/internal/text"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/internal/workload"
	"orrery/web/inturn"
)

// Deps is what the API needs; cmd/server fills it.
type Deps struct {
	DB        postgres.Querier // for reads that rooms offer without a service
	Identity  *identity.Service
	Library   *questionnaire.Library
	Workloads *workload.Service
	Items     *remediation.Service
	Evidence  *evidence.Service
	Reviews   *review.Service
	Portfolio *portfolio.Service
	Talk      *discussion.Service
	Tickets   *tickets.Service
	Incidents *incident.Service
	Webhooks  *webhook.Service
	Reports   *report.Service
	RequestID func(context.Context) string
	PublicURL string
	Version   string
	AtOnce    int // how many reads are answered at once; 0: any number
	Rate      int // requests a minute for each token; 0: DefaultRate
	Log       *slog.Logger
	Now       func() time.Time
}

const maxBody = 4 << 20 // a questionnaire is the largest thing that is sent

type server struct{ Deps }

// API answers everything under /api/.
type API struct {
	http.Handler
	spec   *huma.OpenAPI
	router chi.Router
}

// New returns the API.
func New(d Deps) *API {
	s := &server{d}
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.writeProblem(w, r, http.StatusNotFound, "There is no such address in this API.")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", allowed(r, req))
		s.writeProblem(w, req, http.StatusMethodNotAllowed, "This address does not take "+req.Method+" requests.")
	})
	r.Use(s.recoverPanics, echoTrace, inturn.New(d.AtOnce).Reads, s.authenticate, newLimiter(d.Rate, d.Now).limit(s), s.eachOnce, headAsGet)
	config := huma.DefaultConfig("Orrery", d.Version)
	config.Info.Description, config.Info.License = intro, &huma.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/openapi", "", ""
	config.CreateHooks = nil // no $schema member in every body
	config.RejectUnknownQueryParameters = true
	config.Servers = []*huma.Server{{URL: d.PublicURL}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "An API token: orr_pat_... of a person, orr_svc_... of a service."}}
	delete(config.Formats, "application/cbor")
	delete(config.Formats, "cbor")
	a := humachi.New(r, config)
	a.UseMiddleware(s.checkScope(a), s.strictBody(a))
	for _, add := range s.resources() {
		add(a)
	}
	nullable(a.OpenAPI().Components.Schemas)
	for _, older := range []string{"-3.0.json", "-3.0.yaml"} { // null is no type there, so these would not describe the answers
		r.Get(config.OpenAPIPath+older, r.NotFoundHandler())
	}
	return &API{Handler: r, spec: a.OpenAPI(), router: r}
}

// resources lists all there is, in the order of the reference.
func (s *server) resources() []func(huma.API) {
	return []func(huma.API){
		s.launch, s.workloads, s.reviews, s.answers, s.compare, s.reports, s.comments, s.items, s.tickets, s.acceptances, s.evidence, s.facts, s.incidents, s.lessons,
		s.questionnaires, s.types, s.people, s.webhooks, s.audit,
	}
}

const intro = "Everything is JSON. Each request carries a token: Authorization: Bearer orr_pat_... " +
	"Times are UTC (RFC 3339), days are year-month-day. Enumerations may grow. What is not described is refused: unknown members and parameters, " +
	"members given twice, and null where none is described."

// recoverPanics makes a problem of a panic.
func (s *server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if err, ok := p.(error); p == nil || ok && errors.Is(err, http.ErrAbortHandler) {
				if p != nil {
					panic(p)
				}
				return
			}
			s.Log.Error("panic", "request_id", s.RequestID(r.Context()), "panic", p, "stack", string(debug.Stack()))
			s.writeProblem(w, r, http.StatusInternalServerError, "Something failed on our side. Nothing was changed; please try again.")
		}()
		next.ServeHTTP(w, r)
	})
}

// allowed names the methods that an address takes.
func allowed(routes chi.Router, r *http.Request) string {
	path, list := cmp.Or(r.URL.RawPath, r.URL.Path), []string{}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), method, path) {
			list = append(list, method)
		}
	}
	if len(list) > 0 && list[0] == http.MethodGet {
		list = append(list, http.MethodHead)
	}
	return strings.Join(list, ", ")
}

// eachOnce refuses a parameter that is given twice, for one of them would not count, and one
// that is no text: nothing stored can equal it.
func (s *server) eachOnce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		for _, name := range slices.Sorted(maps.Keys(query)) {
			if len(query[name]) > 1 {
				s.writeProblem(w, r, http.StatusUnprocessableEntity, "Give each parameter once; this request has "+text.Cut(name)+" more than once.")
				return
			}
			if value := query[name][0]; !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				s.writeProblem(w, r, http.StatusUnprocessableEntity, "A parameter is no text in UTF-8.",
					&huma.ErrorDetail{Message: "This is no text in UTF-8.", Location: "query." + text.Cut(text.Clean(name))})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// headAsGet answers HEAD as GET: nothing of the body is sent.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// echoTrace sends back the trace that a request belongs to (W3C Trace Context).
func echoTrace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t := r.Header.Get("Traceparent"); traceparent.MatchString(t) {
			w.Header().Set("Traceparent", t)
		}
		next.ServeHTTP(w, r)
	})
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
		if isSpec(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		secret, ok := bearer(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			s.writeProblem(w, r, http.StatusUnauthorized, "Send a token: Authorization: Bearer orr_pat_...")
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
		if who.Once, err = takeKey(w, r); err != nil {
			s.writeProblem(w, r, http.StatusRequestEntityTooLarge, "The body is larger than 4 MiB, or ended too early.")
			return
		}
		ctx := context.WithValue(r.Context(), actorKey{}, who)
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, urlKey{}, *r.URL)))
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

// takeKey reads the key of a request that changes something, and the whole body with it.
func takeKey(w http.ResponseWriter, r *http.Request) (identity.Once, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody+1)
	if key := r.Header.Get("Idempotency-Key"); key == "" || r.Method == http.MethodGet || !printable.MatchString(key) {
		return identity.Once{}, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return identity.Once{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return onceOf(r, body), nil
}

var printable = regexp.MustCompile(`^[ -~]{1,255}$`)

// Description is what the API says of itself.
func (a *API) Description() *huma.OpenAPI { return a.spec }

// Routes lists every method and address that answers, for the test that compares them with
// the description. The description itself is not among them.
func (a *API) Routes() []string {
	var list []string
	_ = chi.Walk(a.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/api/openapi") {
			list = append(list, method+" "+route)
		}
		return nil
	})
	return list
}

// isSpec reports whether the address is the description of the API, which is open.
func isSpec(path string) bool {
	name, ok := strings.CutPrefix(path, "/api/openapi")
	return ok && slices.Contains([]string{".json", ".yaml"}, name)
}
