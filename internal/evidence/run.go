package evidence

import (
	"time"

	"github.com/google/uuid"
)

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	Running    RunState = "running"
	Complete   RunState = "complete" // every source of every cell was read
	Incomplete RunState = "partial"  // some were
	Failed     RunState = "failed"   // none was
)

// Run is one collection of evidence for a workload.
type Run struct {
	ID              uuid.UUID
	WorkloadID      uuid.UUID
	State           RunState
	RequestedBy     uuid.UUID // uuid.Nil: the system
	RequestedByName string
	RequestedAt     time.Time
	FinishedAt      *time.Time  // nil while running
	Cells           []CellState // the ledger, by account, Region and source
}

// Done counts the lines of the ledger that are finished, and all of them.
func (r Run) Done() (done, total int) {
	for _, c := range r.Cells {
		if c.State == "done" {
			done++
		}
	}
	return done, len(r.Cells)
}

// CellState is a line of the ledger: one source in one account and Region.
type CellState struct {
	Cell
	Source     string
	State      string // queued, running, done
	Result     Result // empty until done
	Detail     string // a whole sentence; may be empty when OK
	Permission string // the IAM action that was missing
	Facts      int    // how many facts were seen
	StartedAt  *time.Time
	FinishedAt *time.Time
}
