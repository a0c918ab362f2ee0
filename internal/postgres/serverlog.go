package postgres

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// serverLog passes on the server's log by whole lines, without those that only answer our
// own knocking, and remembers the last ones: they say why a server ended.
type serverLog struct {
	to io.Writer

	mu   sync.Mutex
	part []byte // of a line whose end has not come yet
	last []string
}

// maxLogLine bounds what is kept of a line that does not end.
const maxLogLine = 64 << 10

// Write never fails: a log that cannot be written must not stop the database.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		i := bytes.IndexByte(l.part, '\n')
		if i < 0 && len(l.part) < maxLogLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(l.part) - 1
		}
		l.line(string(l.part[:i+1]))
		l.part = append(l.part[:0], l.part[i+1:]...)
	}
}

func (l *serverLog) line(s string) {
	for _, noise := range []string{"the database system is starting up", "the database system is shutting down",
		"the database system is not yet accepting connections"} {
		if strings.Contains(s, noise) {
			return
		}
	}
	l.last = append(l.last, strings.TrimSpace(s))
	l.last = l.last[max(0, len(l.last)-3):]
	if l.to != nil {
		_, _ = io.WriteString(l.to, s)
	}
}

// note puts a line of our own between the server's.
func (l *serverLog) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		_, _ = io.WriteString(l.to, s+"\n")
	}
}

// lastWords returns the last lines as one, "" when there are none.
func (l *serverLog) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, " / ")
}
