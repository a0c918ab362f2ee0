package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxFile     = 500 // lines
	maxFunction = 80
)

// long lists the files that may be longer than maxFile, and longFunctions the functions
// (file:name) that may be longer than maxFunction, each with the reason.
var (
	long          = map[string]string{}
	longFunctions = map[string]string{}
)

// handWritten returns the files that people write: .go, .templ, .js and .css, but what is
// generated or vendored.
func handWritten(t *testing.T) map[string][]byte {
	t.Helper()
	dir := root(t)
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "node_modules", "bin"}, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".templ", ".js", ".css"}, filepath.Ext(name)) ||
			strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, ".min.js") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("read the files: %d found, %v", len(files), err)
	}
	return files
}

func TestFileLength(t *testing.T) {
	files := handWritten(t)
	for path, b := range files {
		lines := bytes.Count(b, []byte("\n"))
		if lines > maxFile && long[path] == "" {
			t.Errorf("%s has %d lines. Split it at %d, or give the reason in long.", path, lines, maxFile)
		}
		if lines <= maxFile && long[path] != "" {
			t.Errorf("%s has %d lines and needs no place in long any more.", path, lines)
		}
	}
	for path := range long {
		if files[path] == nil {
			t.Errorf("%s stands in long, but there is no such file.", path)
		}
	}
}

func TestFunctionLength(t *testing.T) {
	unused := map[string]bool{}
	for name := range longFunctions {
		unused[name] = true
	}
	for path, b := range handWritten(t) {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		for name, lines := range functions(t, path, b) {
			name = path + ":" + name
			if lines <= maxFunction {
				continue
			}
			if longFunctions[name] == "" {
				t.Errorf("%s has %d lines. Split it at %d, or give the reason in longFunctions.", name, lines, maxFunction)
			}
			delete(unused, name)
		}
	}
	for name := range unused {
		t.Errorf("%s is short or gone and needs no place in longFunctions any more.", name)
	}
}

// functions returns the functions of a file with their length in lines. A method is
// Type.Name; of several with one name, as init, the longest counts.
func functions(t *testing.T, path string, source []byte) map[string]int {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := fn.Name.Name
		if fn.Recv != nil {
			name = receiver(fn.Recv.List[0].Type) + "." + name
		}
		lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1
		found[name] = max(found[name], lines)
	}
	return found
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

func TestFunctionsAreMeasured(t *testing.T) {
	source := "package p\n\nfunc (s *S[T]) Long() {\n" + strings.Repeat("\tx()\n", 90) + "}\n\nfunc short() {}\n"
	got := functions(t, "p.go", []byte(source))
	if got["S.Long"] != 92 || got["short"] != 1 || len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
