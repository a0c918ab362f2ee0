package evidence

import (
	"context"
	"fmt"
	"testing"
	"time"

	"orrery/internal/postgres/pgtest"
)

// Many cells are locked on one connection; each once, here and from elsewhere.
func TestKeeper(t *testing.T) {
	db := pgtest.New(t)
	here, elsewhere := keeper{db: db}, keeper{db: db}
	ctx := context.Background()
	var unlock []func()
	for i := range 60 {
		u, locked, err := here.lock(ctx, Cell{fmt.Sprint(i), "eu-west-1"})
		if err != nil || !locked {
			t.Fatalf("cell %d: %v, %v", i, locked, err)
		}
		unlock = append(unlock, u)
	}
	if n := db.Stat().AcquiredConns(); n != 1 {
		t.Errorf("60 cells hold %d connections", n)
	}
	cell := Cell{"7", "eu-west-1"}
	for name, k := range map[string]*keeper{"here": &here, "elsewhere": &elsewhere} {
		if _, locked, err := k.lock(ctx, cell); locked || err != nil {
			t.Errorf("locked again %s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, locked, err := here.lock(ended, Cell{"100", "eu-west-1"}); err != nil || !locked {
		t.Errorf("a job that ends breaks the connection: %v, %v", locked, err)
	} else {
		here.unlock(ended, Cell{"100", "eu-west-1"})
	}
	unlock[7]()
	u, locked, err := elsewhere.lock(ctx, cell)
	if err != nil || !locked {
		t.Fatalf("not free: %v", err)
	}
	u()
	for i, u := range unlock {
		if i != 7 {
			u()
		}
	}
	if n := db.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are held by nobody", n)
	}
	// A connection that dies under its locks is replaced.
	first, _, err := here.lock(ctx, cell)
	if err != nil {
		t.Fatal(err)
	}
	if err := here.conn.Conn().Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := here.lock(ctx, Cell{"8", "eu-west-1"}); err == nil {
		t.Error("a dead connection locks")
	}
	first()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) { // PostgreSQL notices a little later
		again, locked, err := here.lock(ctx, cell)
		if err != nil || time.Now().After(end) {
			t.Fatalf("after the connection died: %v, %v", locked, err)
		}
		if locked {
			again()
			return
		}
	}
}
