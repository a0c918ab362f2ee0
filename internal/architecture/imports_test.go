// Package architecture holds the rules of the house as tests: who may import whom, and how
// large a file or a function may be. docs/decisions/0002-rooms-and-arrows.md says why.
package architecture

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "orrery/"

// order lists the rooms from the ground up. A room imports rooms of the lines above its
// own, and itself; never a neighbour on its line. A room is a folder with all below it,
// unless something below has a line of its own.
var order = [][]string{
	{"internal/fault", "internal/text", "internal/sheet", "migrations", "questionnaires"},
	{"internal/postgres", "internal/outbound"},
	{"internal/identity"},
	{"internal/audit"},
	{"internal/questionnaire", "internal/workload"},
	{"internal/discussion"},
	{"internal/remediation"},
	{"internal/evidence"},
	{"internal/review"},
	{"internal/incident"},
	{"internal/portfolio", "internal/report"},
	{"internal/awscloud", "internal/notify", "internal/tickets", "internal/webhook"},
	{"web/static", "web/inturn"},
	{"web/views", "web/api"},
	{"web"},
	{"cmd", "scripts"},
}

// A ban keeps the packages in its rooms from importing what begins with one of its paths.
type ban struct {
	why   string
	in    func(room string) bool
	paths []string
}

var adapters = []string{"internal/awscloud", "internal/notify", "internal/outbound", "internal/tickets", "internal/webhook"}

func isDomain(room string) bool {
	return strings.HasPrefix(room, "internal/") && !slices.Contains(adapters, room)
}

var bans = []ban{
	{why: "a domain room knows no pages and no HTTP", in: isDomain,
		paths: []string{"net/http", "github.com/go-chi", "github.com/a-h/templ", "github.com/danielgtaylor/huma", "orrery/web"}},
	{why: "only internal/awscloud speaks to AWS", in: func(room string) bool { return room != "internal/awscloud" },
		paths: []string{"github.com/aws/"}},
	{why: "pages and API ask services, not the database", in: func(room string) bool { return strings.HasPrefix(room, "web") },
		paths: []string{"github.com/jackc/pgx"}},
	{why: "a view is given what it shows and asks nobody", in: func(room string) bool { return room == "web/views" },
		paths: []string{"net/http", "github.com/go-chi", "github.com/danielgtaylor/huma", "database/sql"}},
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,GoFiles,Imports", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		if len(p.GoFiles) > 0 { // else it holds tests only, which may import what they test
			list = append(list, p)
		}
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env GOMOD: %v", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

// roomOf returns the room of a package of ours and its line in order; -1 for an unknown one.
func roomOf(path string) (room string, line int) {
	path = strings.TrimPrefix(path, module)
	line = -1
	for i, rooms := range order {
		for _, r := range rooms {
			if (path == r || strings.HasPrefix(path, r+"/")) && len(r) > len(room) {
				room, line = r, i
			}
		}
	}
	return room, line
}

// violations returns what is against the rules, a sentence each.
func violations(list []listed) []string {
	var bad []string
	for _, p := range list {
		room, line := roomOf(p.ImportPath)
		if line < 0 {
			bad = append(bad, p.ImportPath+" is in no room: give it a place in order.")
			continue
		}
		for _, i := range p.Imports {
			if to, toLine := roomOf(i); strings.HasPrefix(i, module) && to != room && toLine >= line {
				bad = append(bad, p.ImportPath+" imports "+i+", which does not stand below it.")
			}
			for _, b := range bans {
				if b.in(room) && b.forbids(i) {
					bad = append(bad, p.ImportPath+" imports "+i+": "+b.why+".")
				}
			}
		}
	}
	return bad
}

func (b ban) forbids(path string) bool {
	return slices.ContainsFunc(b.paths, func(p string) bool {
		return path == p || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/")
	})
}

func TestImports(t *testing.T) {
	for _, v := range violations(packages(t)) {
		t.Error(v)
	}
}

// TestViolations breaks each rule once: a rule that finds nothing would hold anything.
func TestViolations(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		bad          int
	}{
		{"orrery/internal/review", "orrery/internal/evidence", 0},
		{"orrery/internal/evidence", "orrery/internal/review", 1},
		{"orrery/internal/evidence/evidencetest", "orrery/internal/evidence", 0},
		{"orrery/internal/workload", "orrery/internal/questionnaire", 1},
		{"orrery/internal/notify", "orrery/internal/awscloud", 1},
		{"orrery/internal/notify", "net/http", 0},
		{"orrery/internal/review", "net/http", 1},
		{"orrery/internal/review", "orrery/web/views", 2},
		{"orrery/internal/review", "github.com/jackc/pgx/v5", 0},
		{"orrery/internal/review", "github.com/aws/aws-sdk-go-v2/aws", 1},
		{"orrery/internal/awscloud/awstest", "github.com/aws/smithy-go", 0},
		{"orrery/cmd/server", "github.com/aws/smithy-go", 1},
		{"orrery/web", "github.com/jackc/pgx/v5", 1},
		{"orrery/web/api", "orrery/web", 1},
		{"orrery/web/views/ui", "orrery/web", 1},
		{"orrery/web/views", "orrery/internal/review", 0},
		{"orrery/web/views", "net/http", 1},
		{"orrery/web", "orrery/web/views", 0},
		{"orrery/cmd/server", "orrery/web/api", 0},
		{"orrery/internal/somewhere", "fmt", 1},
	} {
		got := violations([]listed{{ImportPath: c.pkg, Imports: []string{c.imports}}})
		if len(got) != c.bad {
			t.Errorf("%s imports %s: %d violations, want %d: %q", c.pkg, c.imports, len(got), c.bad, got)
		}
	}
}

// TestNoSDKInSignatures looks for types of the AWS SDK in what internal/awscloud exports.
func TestNoSDKInSignatures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "internal/awscloud/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("find internal/awscloud: %d files, %v", len(files), err)
	}
	set := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, leak := range leaks(f) {
			t.Errorf("%s: %s is a type of the AWS SDK in an exported signature.", set.Position(leak.Pos()), leak.X.(*ast.Ident).Name+"."+leak.Sel.Name)
		}
	}
}

// leaks returns the SDK's types in the exported declarations of a file: parameters and
// results of functions and methods, exported fields, other exported types.
func leaks(f *ast.File) []*ast.SelectorExpr {
	sdk := sdkNames(f)
	var found []*ast.SelectorExpr
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && sdk[x.Name] {
					found = append(found, s)
				}
			}
			return true
		})
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
				look(d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
					lookIntoType(s.Type, look)
				}
			}
		}
	}
	return found
}

func lookIntoType(e ast.Expr, look func(ast.Node)) {
	structure, ok := e.(*ast.StructType)
	if !ok {
		look(e)
		return
	}
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
			look(field.Type)
		}
	}
}

func exportedReceiver(recv *ast.FieldList) bool {
	e := recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	name, ok := e.(*ast.Ident)
	return !ok || name.IsExported()
}

// sdkNames are the names under which a file imports packages of the SDK.
func sdkNames(f *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil || !strings.HasPrefix(path, "github.com/aws/") {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if name == "smithy-go" {
			name = "smithy"
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = true
	}
	return names
}

func TestLeaksAreFound(t *testing.T) {
	source := `package p
import ("github.com/aws/aws-sdk-go-v2/aws"; s "github.com/aws/smithy-go"; "context")
type Open struct { Config aws.Config; hidden aws.Config }
type hidden struct { Config aws.Config }
func Take(ctx context.Context, c *aws.Config) {}
func (o Open) Give() (s.APIError, error) { var c aws.Config; _ = c; return nil, nil }
func (h hidden) Give() aws.Config { return h.Config }
func take(aws.Config) {}
`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range leaks(f) {
		got = append(got, l.X.(*ast.Ident).Name+"."+l.Sel.Name)
	}
	if want := []string{"aws.Config", "aws.Config", "s.APIError"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
