package report

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"
)

// printing bounds how many PDFs are made at once: one takes a processor and, of a long review,
// a hundred megabytes.
var printing = make(chan struct{}, runtime.GOMAXPROCS(0))

// kept is how long a PDF is handed out again. The time of printing is told to the minute.
const kept = time.Minute

// shelved is how many PDFs are kept: a meeting opens one review, all at once.
const shelved = 4

// shelf keeps the PDFs that were made last, so that twenty people who open the same report
// wait for one printing.
var shelf struct {
	sync.Mutex
	list []*copyOf
}

// copyOf is a PDF that is being made, or was.
type copyOf struct {
	in   Input
	made chan struct{} // closed when pdf or err is there
	pdf  []byte
	err  error
}

// Print is PDF when it is its turn. Who asks for the same content within the same minute gets
// the same bytes. It fails as PDF does, and with the context's error when that ends first.
func Print(ctx context.Context, w io.Writer, in Input) error {
	for {
		c, mine := take(in)
		if mine {
			c.print(ctx)
		}
		select {
		case <-c.made:
		case <-ctx.Done():
			return ctx.Err()
		}
		if c.err == nil {
			_, err := w.Write(c.pdf)
			return err
		}
		if mine || ctx.Err() != nil {
			return c.err
		}
	}
}

// take finds the copy with the same content on the shelf. When there is none it puts one
// there, which is then the caller's to print.
func take(in Input) (c *copyOf, mine bool) {
	shelf.Lock()
	defer shelf.Unlock()
	for _, c := range shelf.list {
		if c.says(in) {
			return c, false
		}
	}
	c = &copyOf{in: in, made: make(chan struct{})}
	if len(shelf.list) == shelved {
		shelf.list = slices.Delete(shelf.list, 0, 1)
	}
	shelf.list = append(shelf.list, c)
	return c, true
}

// says reports whether the copy says what in says, printed within the same minute.
func (c *copyOf) says(in Input) bool {
	if c.in.URL != in.URL || !c.in.PrintedAt.Truncate(kept).Equal(in.PrintedAt.Truncate(kept)) {
		return false
	}
	in.PrintedAt = c.in.PrintedAt
	return reflect.DeepEqual(c.in, in)
}

// print makes the PDF. One that failed leaves the shelf, one that was made when its minute is over.
func (c *copyOf) print(ctx context.Context) {
	c.err = errors.New("the printing broke off") // when it panics
	defer func() {
		if c.err != nil {
			c.leave()
		}
		close(c.made)
	}()
	select {
	case printing <- struct{}{}:
		defer func() { <-printing }()
	case <-ctx.Done():
		c.err = ctx.Err()
		return
	}
	var b bytes.Buffer
	err := PDF(&b, c.in)
	if c.pdf, c.err = b.Bytes(), err; err == nil {
		time.AfterFunc(kept, c.leave)
	}
}

// leave takes the copy from the shelf.
func (c *copyOf) leave() {
	shelf.Lock()
	defer shelf.Unlock()
	shelf.list = slices.DeleteFunc(shelf.list, func(other *copyOf) bool { return other == c })
}
