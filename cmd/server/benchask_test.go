//go:build bench

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// asker gives a connection's next request; last is the body of the answer before.
type asker func(last []byte) []byte

type figures struct {
	rate          float64
	p50, p95, p99 time.Duration
	count, bytes  int // answers, and of a body as it was sent
	failed        error
}

// hammer lets each asker ask over a connection of its own until d is over, once at least. It
// speaks plain HTTP/1.1 by itself: the askers share the machine with the server, so they
// must cost little.
func hammer(host string, d time.Duration, askers []asker) figures {
	var mu sync.Mutex
	var took []time.Duration
	var f figures
	begin := time.Now()
	var wg sync.WaitGroup
	for _, next := range askers {
		wg.Go(func() {
			mine, size, err := askUntil(host, begin.Add(d), next)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			f.bytes, f.failed = max(f.bytes, size), errors.Join(f.failed, err)
		})
	}
	wg.Wait()
	f.count = len(took)
	f.rate = float64(len(took)) / time.Since(begin).Seconds()
	if slices.Sort(took); len(took) > 0 {
		f.p50, f.p95, f.p99 = took[len(took)/2], took[len(took)*95/100], took[len(took)*99/100]
	}
	return f
}

// askUntil asks over one connection until end, and returns how long each took.
func askUntil(host string, end time.Time, next asker) (took []time.Duration, size int, err error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 64<<10)
	var body []byte
	for first := true; first || time.Now().Before(end); first = false {
		request := next(body)
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return took, size, err
		}
		if body, err = readAnswer200(r, body[:0]); err != nil {
			return took, size, err
		}
		took, size = append(took, time.Since(start)), len(body)
	}
	return took, size, nil
}

// readAnswer200 reads an answer and appends its body, with its length told or in chunks. One
// that is not 200 is an error.
func readAnswer200(r *bufio.Reader, body []byte) ([]byte, error) {
	length, chunked := -1, false
	for line := 0; ; line++ {
		text, err := r.ReadSlice('\n')
		if err != nil {
			return body, err
		}
		if line == 0 && !bytes.HasPrefix(text, []byte("HTTP/1.1 200")) {
			return body, fmt.Errorf("answer %q", text)
		}
		if value, ok := bytes.CutPrefix(text, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
		chunked = chunked || bytes.HasPrefix(text, []byte("Transfer-Encoding: chunked"))
		if len(text) == 2 {
			break
		}
	}
	if !chunked && length < 0 {
		return body, errors.New("an answer without a length")
	}
	if !chunked {
		return readMore(r, body, length)
	}
	for {
		text, err := r.ReadSlice('\n')
		if err != nil {
			return body, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 16, 32)
		if err != nil {
			return body, err
		}
		if body, err = readMore(r, body, int(size)); err != nil {
			return body, err
		}
		if _, err := r.Discard(2); err != nil || size == 0 {
			return body, err
		}
	}
}

func readMore(r io.Reader, body []byte, n int) ([]byte, error) {
	body = slices.Grow(body, n)
	from := len(body)
	body = body[:from+n]
	_, err := io.ReadFull(r, body[from:])
	return body, err
}
