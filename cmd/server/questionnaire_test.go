package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"orrery/internal/fault"
	"orrery/internal/questionnaire"
)

// TestQuestionnaireCommands runs the scripts of testdata/questionnaire with the built
// program. The command "ends CODE ARGS..." runs it and wants the exit code. No script has
// a database: DATABASE_URL leads nowhere and the data folder cannot be made.
func TestQuestionnaireCommands(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "questionnaire"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
			e.Setenv("ORRERY_DATA", "/dev/null/none")
			shipped, err := os.ReadFile(filepath.Join("..", "..", "questionnaires", "orr.yaml"))
			if err != nil {
				return err
			}
			long := []byte("name: " + strings.Repeat("x", questionnaire.MaxFile))
			return errors.Join(os.WriteFile(filepath.Join(e.WorkDir, "orr.yaml"), shipped, 0o600), os.WriteFile(filepath.Join(e.WorkDir, "long.yaml"), long, 0o600))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ends": endsWith(path)},
	})
}

// endsWith is the command of scripts that runs the program at path and wants its exit code.
func endsWith(path string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: ends CODE ARGS...")
		}
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		code := 0
		err = ts.Exec(path, args[1:]...)
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if code != want {
			ts.Fatalf("ends with %d, want %d", code, want)
		}
	}
}

func TestEnding(t *testing.T) {
	cause := errors.New("disk full")
	for name, c := range map[string]struct {
		err   error
		code  int
		words string
	}{
		"done":            {nil, 0, ""},
		"said already":    {exit(2), 2, ""},
		"with words":      {exitError{2, cause}, 2, "disk full"},
		"any other":       {cause, 1, "disk full"},
		"a fault":         {fault.Wrap(fault.Unavailable, cause, "It stopped."), 1, "It stopped. (disk full)"},
		"a wrong command": {&kong.ParseError{}, 2, ""},
	} {
		if name == "a wrong command" {
			_, err := kong.Must(&cli{}).Parse([]string{"--nonsense"})
			c.err, c.words = err, "unknown flag --nonsense"
		}
		if code, words := ending(c.err); code != c.code || words != c.words {
			t.Errorf("%s: %d %q", name, code, words)
		}
	}
}

// TestQuestionnaireImportCommand imports into a private database: first a dry run, then in
// earnest, then what is refused.
func TestQuestionnaireImportCommand(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, dir: dataFolder(t), addr: freeAddress(t)}
	orr, err := os.ReadFile(filepath.Join("..", "..", "questionnaires", "orr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	shipped, own := filepath.Join(p.dir, "orr.yaml"), filepath.Join(p.dir, "own.yaml")
	if err := errors.Join(os.WriteFile(shipped, orr, 0o600), os.WriteFile(own, bytes.Replace(orr, []byte("key: orr"), []byte("key: own"), 1), 0o600)); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errOut strings.Builder
		cmd := exec.Command(path, append([]string{"questionnaire", "import"}, args...)...)
		cmd.Env, cmd.Stdout, cmd.Stderr = p.environ(), &out, &errOut
		err := cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%v ends with %d (%v), want %d: %s%s", args, code, err, want, out.String(), errOut.String())
		}
		return out.String()
	}
	if out := run(0, own); out != "The set own is new.\nIt would be published as version 1.1.0 of own. Nothing was written; --commit publishes it.\n" {
		t.Errorf("dry run: %s", out)
	}
	if out := run(0, own, "--commit"); !strings.HasSuffix(out, "Version 1.1.0 of own is published.\n") {
		t.Errorf("import: %s", out)
	}
	if out := run(2, own, "--commit"); !strings.Contains(out, "Version 1.1.0 of own is published already") {
		t.Errorf("again: %s", out)
	}
	if out := run(2, shipped); !strings.Contains(out, "The key orr belongs to a set that Orrery ships") {
		t.Errorf("a shipped key: %s", out)
	}
	var r importResult
	if err := json.Unmarshal([]byte(run(2, "-o", "json", own)), &r); err != nil || r.Fits || r.Published || r.Current != "1.1.0" || len(r.Refusals) != 1 || r.Diff.Size != "none" {
		t.Errorf("as JSON: %+v, %v", r, err)
	}
}
