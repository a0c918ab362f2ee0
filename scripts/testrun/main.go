// Command testrun runs `go test -json` on the packages given and prints what a person wants
// to know: a line for each package, all output of what failed, the name and reason of what
// was not run, and at the end the counts. A run that takes longer than allowed is ended.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	perPackage = "20m"
	inAll      = 40 * time.Minute
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(2)
	}
	os.Exit(code)
}

// run returns go test's exit code; 1 as well when it ran no test at all.
func run(packages []string, out io.Writer) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, inAll)
	defer cancel()
	args := append([]string{"test", "-json", "-count=1", "-vet=off", "-p=3", "-timeout=" + perPackage}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its tests with it
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	r := newReport(out)
	if err := r.read(stdout); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	r.finish()
	switch ctx.Err() {
	case context.DeadlineExceeded:
		r.printf("The tests took longer than %s and were ended.\n", inAll)
		return 1, nil
	case context.Canceled:
		return 130, nil
	}
	if err != nil || r.failed > 0 || r.passed == 0 {
		return 1, nil
	}
	return 0, nil
}

// event is a line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package in the output of a build
	Test       string
	Output     string
	Elapsed    float64
}

// report gathers the events of tests. Subtests are not counted: they are parts of one.
type report struct {
	to                      io.Writer
	passed, failed, skipped int
	counts, failures        map[string]int             // package to tests that ended, that failed
	output                  map[string]map[string]*log // package to test to output; "" is the package's own
	notRun                  []string
}

type log struct{ strings.Builder }

func newReport(to io.Writer) *report {
	return &report{to: to, counts: map[string]int{}, failures: map[string]int{}, output: map[string]map[string]*log{}}
}

func (r *report) printf(format string, args ...any) { _, _ = fmt.Fprintf(r.to, format, args...) }

func (r *report) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) == nil {
			r.take(e)
		} else if len(line) > 0 {
			r.printf("%s", line) // not of a test: what go itself has to say
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	switch e.Action {
	case "output":
		r.log(e.Package, e.Test).WriteString(e.Output)
	case "build-output":
		r.printf("%s", e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(e)
		}
	}
}

func (r *report) log(pkg, test string) *log {
	if r.output[pkg] == nil {
		r.output[pkg] = map[string]*log{}
	}
	if r.output[pkg][test] == nil {
		r.output[pkg][test] = &log{}
	}
	return r.output[pkg][test]
}

func (r *report) endTest(e event) {
	text := r.log(e.Package, e.Test).String()
	if e.Action != "fail" {
		delete(r.output[e.Package], e.Test)
	}
	if e.Action == "skip" {
		r.notRun = append(r.notRun, e.Package+" "+e.Test+": "+reason(text))
	}
	if strings.Contains(e.Test, "/") {
		return
	}
	r.counts[e.Package]++
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		r.failures[e.Package]++
	case "skip":
		r.skipped++
	}
}

// reason is the first line that a skipped test wrote itself.
func reason(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") && line != "" {
			return line
		}
	}
	return "without a reason"
}

func (r *report) endPackage(e event) {
	defer delete(r.output, e.Package)
	switch {
	case e.Action == "fail":
		if r.failures[e.Package] == 0 {
			r.failed++ // it did not build, or ended by itself: no test stands for that
		}
		r.printFailure(e.Package)
		r.printf("FAIL\t%s\t%.1fs\n", e.Package, e.Elapsed)
	case r.counts[e.Package] > 0:
		r.printf("ok  \t%s\t%.1fs\t%d tests\n", e.Package, e.Elapsed, r.counts[e.Package])
	}
}

// printFailure prints the output of all that failed or never ended, then the package's own.
func (r *report) printFailure(pkg string) {
	var tests []string
	for test := range r.output[pkg] {
		tests = append(tests, test)
	}
	slices.Sort(tests)
	slices.Reverse(tests) // the package's own, "", comes last
	for _, test := range tests {
		for line := range strings.Lines(r.output[pkg][test].String()) {
			if !strings.HasPrefix(line, "=== ") {
				r.printf("%s", line)
			}
		}
	}
}

// finish prints what was not run and the counts.
func (r *report) finish() {
	for _, line := range r.notRun {
		r.printf("NOT RUN\t%s\n", line)
	}
	r.printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}
