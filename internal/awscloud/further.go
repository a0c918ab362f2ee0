package awscloud

import (
	"context"
	"fmt"
	"slices"

	"orrery/internal/evidence"
)

// reader reads one further source of a cell and tells what it saw. It asks only for what
// the keys need; a key it does not know it leaves alone.
type reader struct {
	read func(ctx context.Context, c *cell, keys []string, t *teller) error
	keys []string // that it knows; nil: all
	kind string   // what there may be none of: "RDS database"; empty where every key is always told
}

// further are the readers by source. Each is in a file of its own.
var further = map[string]reader{
	evidence.ActivitySource: {read: readActivity},
	evidence.IAMSource:      {read: readIAM, keys: []string{rootMFA, rootKeys, userMFA, oldKeys}, kind: "IAM user of the kind"},
	evidence.ContactSource:  {read: readContacts, keys: []string{"security", "operations", "billing"}},
	evidence.AlarmSource:    {read: readAlarms, keys: []string{"actions", "data"}, kind: "CloudWatch alarm"},
	evidence.NetworkSource:  {read: readNetworks, keys: []string{"flow_log"}, kind: "VPC"},
	evidence.DatabaseSource: {read: readDatabases, keys: []string{"multi_az", "backups"}, kind: "RDS database"},
	evidence.PlanSource:     {read: readPlans, keys: []string{"runs"}, kind: "AWS Backup plan"},
	evidence.RestoreSource:  {read: readRestores, keys: []string{"completed"}},
	evidence.GroupSource:    {read: readGroups, keys: []string{"zones", "health_check"}, kind: "Auto Scaling group"},
	evidence.BalancerSource: {read: readBalancers, keys: []string{"zones", "health_check"}, kind: "load balancer"},
	evidence.ToolSource:     {read: readTool, kind: "Well-Architected Tool workload of that name"},
}

// readFurther reads one further source. A key on which nothing was told gets one
// observation on the account that says why.
func (c *cell) readFurther(ctx context.Context, source string, keys []string) evidence.Outcome {
	r := further[source]
	t := &teller{cell: c, source: source, told: map[string]bool{}}
	var known, unknown []string
	for _, k := range keys {
		if r.keys == nil || slices.Contains(r.keys, k) {
			known = append(known, k)
		} else {
			unknown = append(unknown, k)
		}
	}
	var failed error
	if len(known) > 0 {
		failed = r.read(ctx, c, known, t)
	}
	for _, k := range unknown {
		t.tell(c.onAccount(k, evidence.Unknown, evidence.KeyUnknown, fmt.Sprintf("Orrery knows no key %s of the source %s.", k, source)))
	}
	for _, k := range known {
		if failed == nil && !t.told[k] && r.kind != "" {
			t.tell(c.onAccount(k, evidence.NotApplicable, evidence.NothingThere, fmt.Sprintf("There is no %s in %s.", r.kind, c.Cell)))
		}
	}
	t.flush()
	switch {
	case t.failed != nil:
		return stopped(t.failed)
	case failed != nil:
		return c.explain(failed).outcome("")
	}
	return evidence.Outcome{Result: evidence.OK}
}

const tellAtOnce = 100

// teller hands on what a reader saw, a hundred facts at a time. After the first failure of
// ours it takes no more; the reader need not look.
type teller struct {
	*cell
	source string
	batch  []evidence.Observation
	told   map[string]bool
	failed error
}

func (t *teller) tell(o evidence.Observation) {
	if o.ObservedAt.IsZero() {
		o.ObservedAt = t.now
	}
	t.told[o.Control] = true
	if t.batch = append(t.batch, o); len(t.batch) == tellAtOnce {
		t.flush()
	}
}

func (t *teller) flush() {
	if t.failed == nil && len(t.batch) > 0 {
		t.failed = t.emit(t.source, t.batch)
	}
	t.batch = nil
}

// onAccount is a fact on the account as a whole.
func (c *cell) onAccount(key string, state evidence.FactState, reason, sentence string) evidence.Observation {
	return evidence.Observation{Control: key, Resource: evidence.AccountResource(c.Account), State: state, Reason: reason, Title: sentence}
}

// thing is a resource that facts are told on.
type thing struct {
	arn    string
	name   string // "The database ledger"
	tags   []string
	detail map[string]any
}

// on is a fact on a resource: "The database ledger is in one zone only." when it fails.
func (c *cell) on(x thing, key string, good bool, passes, fails string) evidence.Observation {
	o := evidence.Observation{Control: key, Resource: x.arn, State: evidence.Fail, Title: x.name + " " + fails + ".", Tags: x.tags, Detail: compact(x.detail)}
	if good {
		o.State, o.Title = evidence.Pass, x.name+" "+passes+"."
	}
	return o
}

// aside is a fact on a resource for which the key does not arise.
func (c *cell) aside(x thing, key, why string) evidence.Observation {
	return evidence.Observation{Control: key, Resource: x.arn, State: evidence.NotApplicable, Reason: evidence.DoesNotApply,
		Title: x.name + " " + why + ".", Tags: x.tags, Detail: compact(x.detail)}
}

// tag writes a tag as scopes write it.
func tag(key, value *string) string { return deref(key) + "=" + deref(value) }

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
