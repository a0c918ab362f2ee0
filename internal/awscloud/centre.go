package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"orrery/internal/evidence"
)

// centre is the organisation's hub as it is asked about one cell: calls go to its account in
// its home Region, facts are those of the cell.
type centre struct {
	*cell
	own     *cell
	sources []string
	shut    *refusal // why it cannot be asked at all
}

// openCentre takes the hub's role and makes sure that the credentials are the hub's.
func (c *cell) openCentre(ctx context.Context, hub evidence.Hub) *centre {
	at := &cell{Collector: c.Collector, Cell: evidence.Cell{Account: hub.Account, Region: hub.Region}, cfg: c.Collector.cfg, now: c.now}
	out := &centre{cell: at, own: c, sources: hub.Sources}
	if out.shut = at.assume(ctx, hub.Access); out.shut == nil {
		out.shut = at.identify(ctx)
	}
	return out
}

// hubFirst asks the hub for the keys of a source, and the account itself for what the hub
// cannot tell. A key that neither tells stands as a fact that says why, when the hub told
// others; what stands of it then stays.
func (c *cell) hubFirst(ctx context.Context, source string, keys []string,
	hub func(*centre, context.Context, []string) (told map[string]bool, why *refusal),
	own func(context.Context, []string) evidence.Outcome,
) evidence.Outcome {
	alone := func(rest []string) evidence.Outcome {
		if c.refused != nil {
			return c.refused.outcome(source)
		}
		return own(ctx, rest)
	}
	if c.centre == nil || !slices.Contains(c.centre.sources, source) {
		return alone(keys)
	}
	told, why := map[string]bool{}, c.centre.shut
	if why == nil {
		told, why = hub(c.centre, ctx, keys)
	}
	if why != nil {
		o := alone(keys)
		o.Detail = sentences("The hub could not tell. "+why.detail, "The account itself was asked.", o.Detail)
		o.Permission = cmp.Or(o.Permission, why.permission)
		return o
	}
	rest := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return told[k] })
	said := fmt.Sprintf("The hub (%s) told of %d of %d.", c.centre.Cell, len(told), len(keys))
	if len(rest) == 0 {
		return evidence.Outcome{Result: evidence.OK, Detail: said}
	}
	o := alone(rest)
	cannot := c.refused != nil || o.Result == evidence.Denied || o.Result == evidence.Off
	if cannot && len(told) > 0 {
		if err := c.emitUnread(source, rest, o); err != nil {
			return stopped(err)
		}
		o.Result = evidence.OK
	}
	o.Detail = sentences(said, "The account itself was asked for the others.", o.Detail)
	return o
}

// emitUnread emits, for each key that nobody could tell about, why not.
func (c *cell) emitUnread(source string, keys []string, o evidence.Outcome) error {
	var batch []evidence.Observation
	for _, key := range keys {
		batch = append(batch, evidence.Observation{
			Control: key, Resource: evidence.AccountResource(c.Account), State: evidence.Unknown, Reason: string(o.Result), ObservedAt: c.now,
			Title: "The hub does not tell of it, and the account could not be asked. " + o.Detail,
		})
	}
	return c.emit(source, batch)
}

func sentences(parts ...string) string {
	out := ""
	for _, p := range parts {
		if p != "" && out != "" {
			out += " "
		}
		out += p
	}
	return out
}

// seenAt is where the hub is, for the documents of facts.
func (c *centre) seenAt() string { return c.Cell.String() }

// links are the Regions whose findings the hub holds.
type links struct {
	home, mode string
	regions    []string
}

func (l links) hold(region string) bool {
	switch {
	case region == l.home:
		return true
	case l.mode == "ALL_REGIONS":
		return true
	case l.mode == "ALL_REGIONS_EXCEPT_SPECIFIED":
		return !slices.Contains(l.regions, region)
	case l.mode == "SPECIFIED_REGIONS":
		return slices.Contains(l.regions, region)
	}
	return false
}

// readControls reads the findings that the hub holds of the controls in the cell. told are
// the controls with at least one; a control without any is for the account itself to explain.
func (c *centre) readControls(ctx context.Context, controls []string) (told map[string]bool, why *refusal) {
	if why := c.covers(ctx); why != nil {
		return nil, why
	}
	h := c.newHub()
	h.own, h.seenAt = c.own, c.seenAt()
	h.productID = productARN(c.own.Region)
	h.readSettings(ctx, controls)
	for batch := range slices.Chunk(controls, controlsPerRequest) {
		if err := h.readFindings(ctx, batch); err != nil {
			return nil, c.why(err)
		}
	}
	return h.answered, nil
}

func (c *centre) why(err error) *refusal {
	r := c.explain(err)
	return &r
}

// covers asks whether the cell's Region is linked to the home Region, and whether its
// account is a member. It returns nil when both are so: otherwise silence proves nothing.
func (c *centre) covers(ctx context.Context) *refusal {
	client := c.newHub().others
	l, err := remembered(c.Collector, "links "+c.Cell.String(), c.now, func() (links, error) { return c.askLinks(ctx, client) })
	if err != nil {
		return c.why(err)
	}
	if !l.hold(c.own.Region) {
		return &refusal{result: evidence.Off, detail: fmt.Sprintf("%s is not linked to the hub's Region %s.", c.own.Region, c.Region)}
	}
	out, err := call(ctx, "securityhub:GetMembers", c.cell, func(ctx context.Context) (*securityhub.GetMembersOutput, error) {
		return client.GetMembers(ctx, &securityhub.GetMembersInput{AccountIds: []string{c.own.Account}})
	})
	if err != nil {
		return c.why(err)
	}
	for _, m := range out.Members {
		if aws.ToString(m.AccountId) == c.own.Account && aws.ToString(m.MemberStatus) == "Enabled" {
			return nil
		}
	}
	return &refusal{result: evidence.Off, detail: fmt.Sprintf("The account %s is no member of Security Hub in %s.", c.own.Account, c.Cell)}
}

// askLinks reads the finding aggregator. Without one the hub holds the findings of its own
// Region only.
func (c *centre) askLinks(ctx context.Context, client *securityhub.Client) (links, error) {
	list, err := call(ctx, "securityhub:ListFindingAggregators", c.cell, func(ctx context.Context) (*securityhub.ListFindingAggregatorsOutput, error) {
		return client.ListFindingAggregators(ctx, &securityhub.ListFindingAggregatorsInput{})
	})
	if err != nil || len(list.FindingAggregators) == 0 {
		return links{home: c.Region}, err
	}
	one, err := call(ctx, "securityhub:GetFindingAggregator", c.cell, func(ctx context.Context) (*securityhub.GetFindingAggregatorOutput, error) {
		return client.GetFindingAggregator(ctx, &securityhub.GetFindingAggregatorInput{FindingAggregatorArn: list.FindingAggregators[0].FindingAggregatorArn})
	})
	if err != nil {
		return links{}, err
	}
	if aws.ToString(one.FindingAggregationRegion) != c.Region {
		return links{home: c.Region}, nil // findings are collected elsewhere
	}
	return links{c.Region, aws.ToString(one.RegionLinkingMode), one.Regions}, nil
}

// memoTime is how long what a hub says about itself holds: a run, not more.
const memoTime = 10 * time.Minute

// memo is one answer that many cells need.
type memo struct {
	mu    sync.Mutex
	at    time.Time
	value any
}

// remembered is what read gave within memoTime, for all cells of the process; what fails is
// read again.
func remembered[T any](c *Collector, key string, now time.Time, read func() (T, error)) (T, error) {
	c.mu.Lock()
	m := c.memos[key]
	if m == nil {
		m = &memo{}
		c.memos[key] = m
	}
	c.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.value.(T); ok && now.Sub(m.at) < memoTime {
		return known, nil
	}
	value, err := read()
	if err == nil {
		m.at, m.value = now, value
	}
	return value, err
}
