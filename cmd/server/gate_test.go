package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGateCommand asks a filled portal as a pipeline does.
func TestGateCommand(t *testing.T) {
	p := startDemo(t)
	inside := &program{t: t, dir: filepath.Join(p.dir, "demo"), addr: p.addr}
	secret, err := inside.command("token", "create", "--email", "asha@example.com", "--scope", "reviews:read")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about string
		args  []string
		code  int
		says  string
	}{
		{"a conditional go", []string{"ledger-export"}, 0, "ledger-export: conditional"},
		{"not decided", []string{"payments"}, 1, "holds: The review is not decided yet. http"},
		{"a change that nobody reviewed", []string{"ledger-export", "--change", "CHG-NONE"}, 2, "unknown"},
		{"no such workload", []string{"nonsense"}, 2, "404: There is no such workload."},
		{"as JSON", []string{"ledger-export", "-o", "json"}, 0, `"status":"conditional"`},
		{"cannot tell as JSON", []string{"nonsense", "-o", "json"}, 2, `"status":"cannot_tell"`},
		{"nobody answers", []string{"payments", "--url", "http://127.0.0.1:1", "--timeout", "100ms"}, 2, "cannot tell"},
		{"an address without a scheme", []string{"payments", "--url", "127.0.0.1:8080"}, 2, "begins with https:// or http://"},
		{"a token that is none", []string{"payments", "--token-file", "/dev/null"}, 2, "no token"},
	} {
		var out bytes.Buffer
		args := append([]string{"gate", "--url", "http://" + p.addr, "--token-file", file}, c.args...)
		if code := realMain(t.Context(), args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: ended with %d and %q, want %d and %q", c.about, code, out.String(), c.code, c.says)
		}
		if i := strings.IndexByte(out.String(), '{'); i == 0 && !json.Valid([]byte(strings.SplitN(out.String(), "\n", 2)[0])) {
			t.Errorf("%s: no JSON: %s", c.about, out.String())
		}
	}
}
