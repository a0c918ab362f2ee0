package evidence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	lockClass   = 0x0EE1DE7C // the class of our advisory locks on cells
	lockTimeout = 5 * time.Second
)

// keeper holds the advisory locks on the cells that this process reads, all on one
// connection: sixty cells at once need no sixty connections. A process that dies loses the
// connection and frees them. They let rate limits live in memory and facts be compared
// before they are written.
type keeper struct {
	db *pgxpool.Pool

	mu   sync.Mutex
	conn *pgxpool.Conn // nil while nothing is locked
	held map[Cell]bool
}

// lock takes the lock on an account and Region; locked is false when another job has it,
// here or elsewhere. Statements do not end with ctx: that would close the connection under
// the other cells.
func (k *keeper) lock(ctx context.Context, c Cell) (unlock func(), locked bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[c] {
		return nil, false, nil
	}
	if k.conn == nil {
		if k.conn, err = k.db.Acquire(ctx); err != nil {
			k.conn = nil
			return nil, false, fmt.Errorf("connect to lock: %w", err)
		}
	}
	if locked, err = k.ask(ctx, `select pg_try_advisory_lock($1, hashtext($2))`, c); err != nil || !locked {
		k.leave(ctx, err)
		return nil, false, err
	}
	if k.held == nil {
		k.held = map[Cell]bool{}
	}
	k.held[c] = true
	return func() { k.unlock(ctx, c) }, true, nil
}

func (k *keeper) unlock(ctx context.Context, c Cell) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, c)
	if k.conn == nil {
		return // the lock went with its connection
	}
	_, err := k.ask(ctx, `select pg_advisory_unlock($1, hashtext($2))`, c)
	k.leave(ctx, err)
}

// leave gives the connection back when nothing is locked any more, and drops one that failed.
func (k *keeper) leave(ctx context.Context, failed error) {
	if failed != nil {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
		defer cancel()
		_ = k.conn.Conn().Close(after)
	}
	if failed != nil || len(k.held) == 0 {
		k.conn.Release()
		k.conn = nil
	}
}

func (k *keeper) ask(ctx context.Context, sql string, c Cell) (yes bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
	defer cancel()
	err = k.conn.QueryRow(ctx, sql, lockClass, lockName(c)).Scan(&yes)
	return yes, err
}

func lockName(c Cell) string { return c.Account + "/" + c.Region }
