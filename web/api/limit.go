package api

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// DefaultRate is how many requests a minute each token may send.
const DefaultRate = 1200

// limiter counts the requests of each token in a bucket that fills evenly. It lives in memory:
// each program of an installation counts for itself.
type limiter struct {
	rate float64 // a second
	full float64 // what a bucket holds: the requests of ten seconds
	now  func() time.Time

	mu      sync.Mutex
	buckets map[uuid.UUID]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(perMinute int, now func() time.Time) *limiter {
	if perMinute <= 0 {
		perMinute = DefaultRate
	}
	rate := float64(perMinute) / 60
	return &limiter{rate: rate, full: max(1, rate*10), now: now, buckets: map[uuid.UUID]bucket{}}
}

// take takes one request out of the token's bucket. It returns what is left, and how long to
// wait when there was none.
func (l *limiter) take(token uuid.UUID) (left int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, known := l.buckets[token]
	if !known {
		l.forget(now)
		b = bucket{l.full, now}
	}
	b.left = min(l.full, b.left+max(0, now.Sub(b.at).Seconds())*l.rate)
	b.at = now
	if b.left < 1 {
		l.buckets[token] = b
		return 0, time.Duration((1 - b.left) / l.rate * float64(time.Second))
	}
	b.left--
	l.buckets[token] = b
	return int(b.left), 0
}

// forget drops the buckets that are full again, once there are many.
func (l *limiter) forget(now time.Time) {
	if len(l.buckets) < 1000 {
		return
	}
	for token, b := range l.buckets {
		if now.Sub(b.at).Seconds()*l.rate >= l.full {
			delete(l.buckets, token)
		}
	}
}

// limit answers 429 with Retry-After to a token that asks too often. RateLimit-Reset is in
// seconds from now.
func (l *limiter) limit(s *server) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := actorOf(r.Context()).TokenID
			if token == uuid.Nil {
				next.ServeHTTP(w, r) // the description of the API
				return
			}
			left, wait := l.take(token)
			h := w.Header()
			h.Set("RateLimit-Limit", strconv.Itoa(int(l.full)))
			h.Set("RateLimit-Remaining", strconv.Itoa(left))
			h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil((l.full-float64(left))/l.rate))))
			if wait > 0 {
				h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
				s.writeProblem(w, r, http.StatusTooManyRequests, "This token asks too often. Wait as long as Retry-After says.")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
