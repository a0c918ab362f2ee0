// Command orrery is the portal: it serves the pages and the API, works the background jobs,
// and offers the few acts that belong to the command line of the server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"orrery/internal/fault"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := realMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// realMain runs the command and says why it failed; it returns the program's exit code.
func realMain(ctx context.Context, args []string, out, errOut io.Writer) int {
	code, words := ending(run(ctx, args, out, errOut))
	if words != "" {
		_, _ = fmt.Fprintln(errOut, "orrery: "+words)
	}
	return code
}

// cli is the command line.
type cli struct {
	config
	Serve         serveCmd         `cmd:"" default:"withargs" help:"Serve the portal (the default)."`
	Demo          demoCmd          `cmd:"" help:"Serve a portal filled with sample data, on a data folder of its own."`
	Admin         adminCmd         `cmd:"" help:"Help an admin in."`
	Token         tokenCmd         `cmd:"" help:"Tokens for the API."`
	Gate          gateCmd          `cmd:"" help:"Ask a running portal whether a workload may launch. Ends with 0 for go, 1 for hold, 2 when nobody can tell."`
	Questionnaire questionnaireCmd `cmd:"" help:"Files of questions: lint, export, compare."`
	Review        reviewCmd        `cmd:"" help:"Records of reviews: verify."`
	Keys          keysCmd          `cmd:"" help:"The key that decisions are signed with."`
	Audit         auditCmd         `cmd:"" help:"The audit record."`
	Migrate       migrateCmd       `cmd:"" help:"Bring the database to this program's schema and leave."`
	Version       versionCmd       `cmd:"" help:"Say which version this is."`
}

// session is what a command runs with.
type session struct {
	ctx    context.Context
	out    io.Writer
	errOut io.Writer
	config config
}

// say writes a line for the person at the terminal.
func (s *session) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

// run parses the arguments and runs the command until it is done or ctx ends.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("orrery"), kong.Description("Operational Readiness Reviews."), kong.Writers(out, errOut), kong.UsageOnError())
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run(&session{ctx: ctx, out: out, errOut: errOut, config: c.config})
}

// explain puts an error into the words for the operator, with its cause.
func explain(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Cause != nil {
		return f.Message + " (" + f.Cause.Error() + ")"
	}
	return err.Error()
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(s *session) error {
	s.say("orrery %s", versionOf())
	return nil
}

// versionOf is the release, or the commit the program was built from.
func versionOf() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "development"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "development " + setting.Value[:12]
		}
	}
	return "development"
}
