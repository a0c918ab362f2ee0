package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

type contextKey int

const requestIDKey contextKey = iota

// maxForm bounds a form: notes and reasons are far below it.
const maxForm = 1 << 20

// requestID gives each request an id, which stands in the log, on error pages and in the
// audit record. A program may bring its own, to find it again in both logs.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		if own := r.Header.Get("X-Request-Id"); strings.HasPrefix(r.URL.Path, "/api/") && ownRequestID.MatchString(own) {
			id = own
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey, id)))
	})
}

var ownRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// RequestID returns the id of the request that ctx belongs to.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// logRequests writes one line per request, by route pattern, without query or body: they
// may hold what people wrote. Static files and health checks are left out.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		pattern := chi.RouteContext(r.Context()).RoutePattern()
		if pattern == "/static/*" || pattern == "/healthz" || pattern == "/readyz" {
			return
		}
		level := slog.LevelDebug
		if ww.Status() >= 500 {
			level = slog.LevelError
		}
		s.Log.LogAttrs(r.Context(), level, "request",
			slog.String("request_id", RequestID(r.Context())), slog.String("method", r.Method), slog.String("route", pattern),
			slog.Int("status", ww.Status()), slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", time.Since(start)))
	})
}

// recoverPanics turns a panic into a logged 500 and keeps the program alive.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.Log.Error("panic", "request_id", RequestID(r.Context()), "panic", p, "stack", string(debug.Stack()))
			http.Error(w, "Something failed on our side. Nothing was changed; please try again.", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// policy allows our own files and nothing else: no inline script or style, no other host.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (s *Server) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // never no-referrer: forms would lose their origin
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms that another site sends (net/http.CrossOriginProtection).
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(s.serve(Route{handle: func(v *visit) error {
		return v.problem(http.StatusForbidden, "Sent from elsewhere", "This form was sent by another site, so nothing was done.")
	}}))
	return guard.Handler(next)
}

// limitBody refuses forms over maxForm, and files over maxUpload: reading one fails, and
// the answer is 413 unless the page knows better.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxForm)
		switch {
		case r.URL.Path == importPath, strings.HasPrefix(r.URL.Path, tablePath):
			limit = maxUpload
		case strings.HasSuffix(r.URL.Path, talkFiles):
			limit = maxDrain
		}
		if takesElsewhere(r) {
			limit = elsewhereUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
