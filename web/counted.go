package web

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// countedFor is how long a page may show what was counted before. Counting ten thousand
// workloads costs more than the page around it, and who looks through a list asks for one page
// after the other.
const countedFor = 10 * time.Second

// countedMost bounds how many counts are kept.
const countedMost = 2000

// counts keeps what was counted for a person on a page. What the person changes on a page is
// counted anew at once; what others change shows ten seconds later at most.
type counts struct {
	mu   sync.Mutex
	held map[countKey]*count
}

// countKey is a person, and what was counted with its filter.
type countKey struct {
	person uuid.UUID
	what   string
}

type count struct {
	until atomic.Int64  // when it is too old, in Unix nanoseconds; 0: not counted
	turn  chan struct{} // holds one while somebody counts; who asks meanwhile waits for it
	value any
}

// of returns the place of a count, and makes it when there is none.
func (c *counts) of(key countKey, now time.Time) *count {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil || len(c.held) >= countedMost {
		c.drop(func(_ countKey, old *count) bool { return old.until.Load() <= now.UnixNano() })
	}
	if c.held == nil || len(c.held) >= countedMost {
		c.held = map[countKey]*count{}
	}
	if c.held[key] == nil {
		c.held[key] = &count{turn: make(chan struct{}, 1)}
	}
	return c.held[key]
}

// forget drops what was counted for a person.
func (c *counts) forget(person uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(func(key countKey, _ *count) bool { return key.person == person })
}

func (c *counts) drop(old func(countKey, *count) bool) {
	for key, n := range c.held {
		if old(key, n) {
			delete(c.held, key)
		}
	}
}

// counted returns what do counts, or what it counted for the same person a moment ago. what
// names the count with all that it depends on. An error is not kept.
func counted[T any](v *visit, do func() (T, error), what ...any) (T, error) {
	if !v.KeepCounts || v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return do()
	}
	now := v.Now()
	c := v.counts.of(countKey{v.who.PersonID, fmt.Sprintf("%q", what)}, now)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-v.ctx().Done():
		var none T
		return none, v.ctx().Err()
	}
	if value, ok := c.value.(T); ok && now.UnixNano() < c.until.Load() {
		return value, nil
	}
	value, err := do()
	if err == nil {
		c.value = value
		c.until.Store(now.Add(countedFor).UnixNano())
	}
	return value, err
}
