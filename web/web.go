// Package web serves the pages: one file per resource, all routes in one list. Handlers
// read the request, ask a service, and answer with a page or a redirect; rules live in the
// services, which the REST API asks as well.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"orrery/internal/discussion"
	"orrery/internal/evidence"
	"orrery/internal/identity"
	"orrery/internal/incident"
	"orrery/internal/notify"
	"orrery/internal/portfolio"
	"orrery/internal/postgres"
	"orrery/internal/questionnaire"
	"orrery/internal/remediation"
	"orrery/internal/review"
	"orrery/internal/tickets"
	"orrery/internal/webhook"
	"orrery/internal/workload"
	"orrery/web/api"
	"orrery/web/static"
)

// Deps is what the pages need; cmd/server fills it.
type Deps struct {
	DB        postgres.Querier // for reads that other rooms offer without a service
	Identity  *identity.Service
	Library   *questionnaire.Library
	Workloads *workload.Service
	Items     *remediation.Service
	Evidence  *evidence.Service
	Reviews   *review.Service
	Portfolio *portfolio.Service
	Talk      *discussion.Service
	Webhooks  *webhook.Service
	Tickets   *tickets.Service
	Notices   *notify.Service
	Incidents *incident.Service
	API       *api.API                    // serves /api/
	Ready     func(context.Context) error // whether the database answers and has our schema
	Version   string
	PublicURL string // where people reach the portal, without a slash at the end
	Secure    bool   // pages are reached over https: cookies and HSTS say so
	Pages     int    // how many pages are made at once; 0: any number

	KeepCounts bool // what lists and the dashboard count may be some seconds old

	Log *slog.Logger
	Now func() time.Time
}

// Server answers the pages.
type Server struct {
	Deps
	org    orgCache
	pages  slots
	counts counts
}

// New returns the handler of the whole site: pages, static files, health and the API.
func New(d Deps) http.Handler {
	s := &Server{Deps: d, pages: newSlots(d.Pages)}
	r := chi.NewRouter()
	r.Use(requestID, s.logRequests, s.recoverPanics, s.securityHeaders, middleware.GetHead)
	r.Handle(static.Prefix+"*", static.Handler())
	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	r.Get("/version", s.version)
	if d.API != nil {
		r.Handle("/api/*", d.API)
	}
	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(3, "text/html", "application/json"), s.sameOrigin, limitBody)
		for _, route := range s.routes() {
			r.Method(route.Method, route.Pattern, s.serve(route))
		}
		r.NotFound(s.serve(Route{handle: notFound}).ServeHTTP)
		r.MethodNotAllowed(s.serve(Route{handle: methodNotAllowed}).ServeHTTP)
	})
	return r
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("alive\n"))
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := s.Ready(ctx); err != nil {
		s.Log.Warn("not ready", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not ready\n"))
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(s.Version + "\n"))
}
