//go:build bench

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// recorder keeps every statement a pool runs.
type recorder struct {
	mu   sync.Mutex
	list []statement
}

type statement struct {
	sql  string
	args []any
}

func (r *recorder) TraceQueryStart(ctx context.Context, conn *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	sql, args := d.SQL, d.Args
	if len(args) > 0 {
		if rewriter, ok := args[0].(pgx.QueryRewriter); ok {
			sql, args, _ = rewriter.RewriteQuery(ctx, conn, sql, args[1:])
		}
	}
	r.mu.Lock()
	r.list = append(r.list, statement{sql, args})
	r.mu.Unlock()
	return ctx
}

func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery keeps a statement that was sent with others in one go.
func (r *recorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, statement{d.SQL, d.Args})
}

func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// statements asks the page of a handler in this process, warm, and returns what it asked
// the database.
func (p *program) statements(o organisation, path string) []statement {
	p.t.Helper()
	db, _ := p.open()
	defer func() { _ = db.close() }()
	cfg, err := pgxpool.ParseConfig(db.cluster.DSN())
	if err != nil {
		p.t.Fatal(err)
	}
	rec := &recorder{}
	cfg.ConnConfig.Tracer = rec
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	defer pool.Close()
	all, err := newServices(pool, "http://"+p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	site := newSite(&database{pool: pool}, all, p.config(), newLog("error"))
	for range 3 { // the first fill the caches
		rec.list = nil
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.AddCookie(&http.Cookie{Name: "orrery-session", Value: o.session})
		w := httptest.NewRecorder()
		site.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			p.t.Fatalf("%s in process: %d", path, w.Code)
		}
	}
	return rec.list
}

func (p *program) config() config { return config{Data: p.dir, Listen: p.addr, Connections: 8} }

var parameter = regexp.MustCompile(`\$(\d+)`)

// pgbench runs the statements, as one prepared script, at the same number of connections.
func (p *program) pgbench(list []statement) (rate float64) {
	p.t.Helper()
	var script bytes.Buffer
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(benchClients), "-j", "2", "-T", strconv.Itoa(int(benchTime.Seconds()))}
	for i, st := range list {
		name := func(n string) string { return "v" + strconv.Itoa(i) + "_" + n }
		script.WriteString(parameter.ReplaceAllStringFunc(st.sql, func(m string) string {
			n, _ := strconv.Atoi(m[1:])
			if literal(st.args[n-1]) == nil {
				return "null"
			}
			return ":" + name(m[1:])
		}))
		script.WriteString(";\n")
		for n, arg := range st.args {
			if v := literal(arg); v != nil {
				args = append(args, "-D", name(strconv.Itoa(n+1))+"="+*v)
			}
		}
	}
	file := filepath.Join(p.t.TempDir(), "page.sql")
	if err := os.WriteFile(file, script.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
	db, _ := p.open()
	defer func() { _ = db.close() }()
	cfg := db.pool.Config().ConnConfig
	args = append(args, "-f", file, "-h", cfg.Host, "-U", cfg.User, cfg.Database)
	out, err := exec.Command(pgbenchPath(), args...).CombinedOutput()
	m := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(out)
	if err != nil || m == nil {
		p.t.Fatalf("pgbench: %v\n%s\n%s", err, out, script.String())
	}
	rate, _ = strconv.ParseFloat(string(m[1]), 64)
	return rate
}

func pgbenchPath() string {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench"); len(found) > 0 {
		return found[len(found)-1]
	}
	return "pgbench"
}

// literal is the argument in Postgres's text form; nil is null.
func literal(arg any) *string {
	var s string
	switch v := arg.(type) {
	case nil:
		return nil
	case *uuid.UUID:
		if v == nil {
			return nil
		}
		s = v.String()
	case *time.Time:
		if v == nil {
			return nil
		}
		s = v.Format(time.RFC3339Nano)
	case time.Time:
		s = v.Format(time.RFC3339Nano)
	case []byte:
		s = fmt.Sprintf(`\x%x`, v)
	case []string:
		s = "{" + strings.Join(v, ",") + "}"
	case []uuid.UUID:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = v[i].String()
		}
		s = "{" + strings.Join(parts, ",") + "}"
	default:
		s = fmt.Sprint(v)
	}
	return &s
}
