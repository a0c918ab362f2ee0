// Package awscloud reads evidence from AWS: findings of Security Hub, the state of
// CloudTrail, the recorder and rules of AWS Config, and from further sources, each in a
// file of its own. It is the only package that uses the
// AWS SDK, and none of the SDK's types leaves it. It never writes to AWS.
package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/time/rate"

	"orrery/internal/evidence"
)

// Options bound what the collector does to AWS. The zero value is right for production.
type Options struct {
	MaxPages    int              // of one listing before it counts as endless; 1,000 when zero
	MaxAttempts int              // of one call; 8 when zero
	MaxBackoff  time.Duration    // longest pause between attempts; 5 s when zero
	CallTimeout time.Duration    // of one call with its attempts; 2 minutes when zero
	Unlimited   bool             // tests only: ask as fast as possible, without our own rate limits
	Now         func() time.Time // time.Now when nil
}

// Collector reads cells with the credentials of the process, or with a role that they take.
type Collector struct {
	cfg  aws.Config // the default chain
	opts Options

	mu       sync.Mutex
	limiters map[limitKey]*rate.Limiter
	roles    map[evidence.Access]*aws.CredentialsCache
	memos    map[string]*memo // what a hub said about itself
}

var _ evidence.Collector = (*Collector)(nil)

// attemptTimeout bounds one HTTP exchange.
const attemptTimeout = 30 * time.Second

// New loads the default credential chain (environment, web identity, container, instance)
// and the SDK's settings, AWS_ENDPOINT_URL among them. It asks AWS nothing: missing
// credentials show as an outcome of each cell, which people can read.
func New(ctx context.Context, opts Options) (*Collector, error) {
	opts.MaxPages = cmp.Or(opts.MaxPages, 1000)
	opts.MaxAttempts = cmp.Or(opts.MaxAttempts, 8)
	opts.MaxBackoff = cmp.Or(opts.MaxBackoff, 5*time.Second)
	opts.CallTimeout = cmp.Or(opts.CallTimeout, 2*time.Minute)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithAppID("orrery"))
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	cfg.HTTPClient = bounded{cfg.HTTPClient}
	return newCollector(cfg, opts), nil
}

func newCollector(cfg aws.Config, opts Options) *Collector {
	return &Collector{cfg: cfg, opts: opts, limiters: map[limitKey]*rate.Limiter{}, roles: map[evidence.Access]*aws.CredentialsCache{}, memos: map[string]*memo{}}
}

// cell is the reading of one account and Region.
type cell struct {
	*Collector
	evidence.Cell
	cfg      aws.Config // with the credentials for the account
	emit     func(source string, facts []evidence.Observation) error
	now      time.Time // pinned: one time for the whole reading
	recorder *recorder // read once, when something needs it
	delivery *recorder // the same, with its delivery
	refused  *refusal  // why the account itself cannot be asked; nil when it can
	centre   *centre   // the hub that is asked first; nil when there is none
}

// Collect reads what is asked for in one account and Region. It first takes the role it is
// told to, if any, and asks AWS whose credentials these are; with those of another account it reads and emits nothing.
// The organisation's hub, when it is named, still tells what it knows of the account.
func (c *Collector) Collect(ctx context.Context, where evidence.Cell, ask evidence.Ask, emit func(string, []evidence.Observation) error) []evidence.Outcome {
	r := &cell{Collector: c, Cell: where, cfg: c.cfg, emit: emit, now: c.opts.Now().UTC()}
	if r.refused = r.assume(ctx, ask.Access); r.refused == nil {
		r.refused = r.identify(ctx)
	}
	if r.refused != nil && ask.Hub == nil {
		return r.refuse(ask)
	}
	if ask.Hub != nil {
		r.centre = r.openCentre(ctx, *ask.Hub)
	}
	return r.readAll(ctx, ask)
}

// refuse says of every source why it is not read.
func (c *cell) refuse(ask evidence.Ask) []evidence.Outcome {
	var out []evidence.Outcome
	for _, source := range ask.Sources() {
		out = append(out, c.refused.outcome(source))
	}
	return out
}
