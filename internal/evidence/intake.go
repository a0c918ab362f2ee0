package evidence

import (
	"context"
	"fmt"
	"sync/atomic"
)

const (
	waiting = 4   // batches that a collector may be ahead of the database
	oneGo   = 500 // facts that are stored together when they wait
)

// intake stores what a collector emits, in its order, while the collector reads on.
type intake struct {
	ctx     context.Context //nolint:containedctx // that of one call of gather
	writers map[string]*writer
	batches chan emitted
	done    chan struct{}
	failed  atomic.Pointer[error]
}

type emitted struct {
	source string
	facts  []Observation
}

func takeIn(ctx context.Context, writers map[string]*writer) *intake {
	t := &intake{ctx: ctx, writers: writers, batches: make(chan emitted, waiting), done: make(chan struct{})}
	go t.store()
	return t
}

// emit hands a batch over. It fails when an earlier one could not be stored.
func (t *intake) emit(source string, facts []Observation) error {
	if err := t.failed.Load(); err != nil {
		return *err
	}
	if t.writers[source] == nil {
		return t.fail(fmt.Errorf("the collector emitted facts of %q, which nobody asked for", source))
	}
	t.batches <- emitted{source, facts}
	return nil
}

// end waits until everything is stored, and returns what failed. Nothing is emitted after it.
func (t *intake) end() error {
	close(t.batches)
	<-t.done
	if err := t.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (t *intake) fail(err error) error {
	t.failed.CompareAndSwap(nil, &err)
	return err
}

// store writes batches until there are no more. Those that wait go together.
func (t *intake) store() {
	defer close(t.done)
	for b := range t.batches {
		for next := &b; next != nil; {
			var facts []Observation
			source := next.source
			facts, next = t.join(next)
			if t.failed.Load() != nil {
				continue // the collector still hands over; nothing is written any more
			}
			if err := t.writers[source].write(t.ctx, facts); err != nil {
				_ = t.fail(err)
			}
		}
	}
}

// join adds to a batch those of its source that wait, and returns the first that is not.
func (t *intake) join(b *emitted) (facts []Observation, other *emitted) {
	facts = b.facts
	for len(facts) < oneGo {
		select {
		case one, more := <-t.batches:
			if !more {
				return facts, nil
			}
			if one.source != b.source {
				return facts, &one
			}
			facts = append(facts, one.facts...)
		default:
			return facts, nil
		}
	}
	return facts, nil
}
