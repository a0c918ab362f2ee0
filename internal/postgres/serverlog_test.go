package postgres

import (
	"io"
	"strings"
	"testing"
)

func TestServerLog(t *testing.T) {
	var out strings.Builder
	l := &serverLog{to: &out}
	write := func(s string) {
		if n, err := io.WriteString(l, s); n != len(s) || err != nil {
			t.Fatalf("wrote %d of %d, %v", n, len(s), err)
		}
	}
	write("LOG:  zero\nLOG:  one\nFATAL:  the database system is star")
	write("ting up\nLOG:  two\nFATAL:  no room")
	if got, want := l.lastWords(), "LOG:  zero / LOG:  one / LOG:  two"; got != want {
		t.Errorf("last words %q, want %q", got, want)
	}
	write(" left\n")
	if got, want := out.String(), "LOG:  zero\nLOG:  one\nLOG:  two\nFATAL:  no room left\n"; got != want {
		t.Errorf("passed on %q, want %q", got, want)
	}
	if got, want := l.lastWords(), "LOG:  one / LOG:  two / FATAL:  no room left"; got != want {
		t.Errorf("last words %q, want %q", got, want)
	}
	write(strings.Repeat("x", 2*maxLogLine))
	if len(l.part) >= maxLogLine {
		t.Errorf("keeps %d bytes of a line without end", len(l.part))
	}
}
