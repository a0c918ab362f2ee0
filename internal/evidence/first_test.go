package evidence_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
	"orrery/internal/questionnaire"
	"orrery/internal/workload"
)

// firsts keeps what each end of a run tells: whether it is the first, and how much newly fails.
type firsts struct {
	mu   sync.Mutex
	told []bool
	new  []int
}

func (f *firsts) listen(h *evidencetest.House) {
	h.Service.WhenJudged(func(_ context.Context, _ pgx.Tx, _ workload.Workload, newly []string, first bool, _ time.Time) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told, f.new = append(f.told, first), append(f.new, len(newly))
		return nil
	})
}

// last is what the newest run told.
func (f *firsts) last() (first bool, newly int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[len(f.told)-1], f.new[len(f.new)-1]
}

// The first collection is the first that read something, whatever came before it.
func TestTheFirstCollectionReadSomething(t *testing.T) {
	refused := func(result evidence.Result) script {
		return func(_ evidence.Cell, ask evidence.Ask, _ func(string, []evidence.Observation) error) (out []evidence.Outcome) {
			for _, source := range ask.Sources() {
				out = append(out, evidence.Outcome{Source: source, Result: result, Detail: "Nothing was read."})
			}
			return out
		}
	}
	failing := &collected{[]evidence.Observation{{Control: everyPasses.Key, Resource: "db", State: fail, Title: "It fails.", ObservedAt: time.Now()}}}
	empty := &collected{}
	reads := func(c *collected) script { return c.collector(everyPasses.Source) }
	own := questionnaire.Check{Source: "own:pipeline", Key: "load_test", Choice: "c", Expect: "all_pass", Level: "resource", MaxAge: time.Hour}
	for name, tt := range map[string]struct {
		before []script // the runs before
		own    bool     // a program reported before
		stop   bool     // the first run was stopped when its workload retired, after it had read
		first  bool
	}{
		"nothing came before":             {first: true},
		"credentials were missing":        {before: []script{refused(evidence.Denied), refused(evidence.Expired)}, first: true},
		"a program reported":              {own: true, first: true},
		"a run was stopped and not told":  {before: []script{reads(failing)}, stop: true, first: true},
		"a run read that nothing is left": {before: []script{reads(empty)}},
		"a run read, the next could not":  {before: []script{reads(failing), refused(evidence.Denied)}},
	} {
		t.Run(name, func(t *testing.T) {
			h := evidencetest.New(t, one, us)
			h.Publish(everyPasses, own)
			var f firsts
			f.listen(h)
			if tt.own {
				report := []evidence.OwnInput{{Source: own.Source, Key: own.Key, State: "fail", Title: "It broke.", ObservedAt: time.Now()}}
				if err := h.Service.Report(ctx, h.Member, h.Workload, report); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range tt.before {
				stop := h.Work(t, c)
				h.Collect(t)
				stop()
			}
			if tt.stop { // as Stop leaves it
				h.Exec(t, `delete from verdicts`)
				h.Exec(t, `update runs set state = 'failed', left_out = null`)
			}
			h.Work(t, reads(failing))
			h.Collect(t)
			if first, newly := f.last(); first != tt.first || first && newly != 1 {
				t.Errorf("the first: %v, want %v; %d newly fail", first, tt.first, newly)
			}
			h.Collect(t)
			if first, _ := f.last(); first {
				t.Error("the one after it is the first, too")
			}
		})
	}
}
