package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestClusterCrashes kills the program, the server or both at random moments, again and
// again, from the first initdb on. Whatever was committed must be there in the end.
// ORRERY_SOAK_CRASHES sets how often, ORRERY_SOAK_SEED repeats a run.
func TestClusterCrashes(t *testing.T) {
	crashes, seed := 8, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("ORRERY_SOAK_CRASHES")); err == nil {
		crashes = n
	}
	if n, err := strconv.ParseUint(os.Getenv("ORRERY_SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("ORRERY_SOAK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := folder(t)
	committed := 0
	for range crashes {
		serve := startProgram(t, dir)
		if random.IntN(3) == 0 { // in the midst of the start
			time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
			_ = serve.kill() // reports that it was killed
			continue
		}
		pid, dsn := serve.ready(t)
		committed += write(t, dsn, time.Duration(random.IntN(100))*time.Millisecond)
		what := random.IntN(3)
		if what != 0 {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		if what != 1 {
			_ = serve.kill()
			continue
		}
		within(t, 30*time.Second, "the restart", func() bool {
			conn, err := pgx.Connect(t.Context(), dsn)
			return err == nil && conn.Close(t.Context()) == nil
		})
		if got := serve.terminate(t); got != "stopped <nil>" {
			t.Errorf("the program says %q", got)
		}
	}
	c := startCluster(t, dir)
	if committed > 0 {
		wantRows(t, c.DSN(), committed)
	}
	t.Logf("%d rows after %d crashes", committed, crashes)
}

// write commits rows for a while and returns how many.
func write(t *testing.T, dsn string, d time.Duration) (rows int) {
	t.Helper()
	run(t, dsn, `create table if not exists kept (n int)`)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for end := time.Now().Add(d); time.Now().Before(end); rows++ {
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(`insert into kept values (%d)`, rows)); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}
