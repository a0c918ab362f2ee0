package awscloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// maxAnswer bounds an answer of AWS: a page of 100 findings of 240 KB is 24 MB.
const maxAnswer = 32 << 20

// errTooLarge is what reading an answer beyond maxAnswer fails with.
var errTooLarge = errors.New("the answer is too large")

// bounded is the HTTP client with two mends. Answers are cut off at maxAnswer. And the
// request's body hides its WriteTo: smithy closes the body when Do returns while net/http
// may still probe it; WriteTo then answers io.EOF, net/http takes that for a failed write
// and closes the connection under the answer (aws-sdk-go-v2#1825, #2737).
type bounded struct{ aws.HTTPClient }

func (c bounded) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	resp, err := c.HTTPClient.Do(r)
	if err == nil {
		resp.Body = &cutOff{resp.Body, maxAnswer}
	}
	return resp, err
}

type cutOff struct {
	io.ReadCloser
	left int
}

func (b *cutOff) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// limitKey names a limit: AWS counts per account, Region and service, some calls apart.
type limitKey struct{ account, region, what string }

// limits are requests a second and burst, a little under what AWS allows: others use the
// same quota. AWS publishes none for Config; it throttles loops early.
var limits = map[string]struct {
	perSecond rate.Limit
	burst     int
}{
	"securityhub:GetFindings": {3, 5},  // AWS: 3, burst 6
	"securityhub":             {8, 10}, // AWS: 10, burst 30
	"config":                  {3, 5},
	"config:GetComplianceDetailsByConfigRule": {1.5, 2}, // a call or more for each rule
	"cloudtrail": {5, 5},
	"sts":        {10, 10},

	"cloudtrail:LookupEvents": {1.8, 1}, // AWS: 2
	"iam":                     {5, 5},
	"account":                 {1, 2},
	"cloudwatch":              {5, 5}, // AWS: 9
	"ec2":                     {5, 5}, // AWS: 20, burst 100
	"rds":                     {3, 5},
	"backup":                  {3, 5},
	"autoscaling":             {3, 5},
	"elasticloadbalancing":    {3, 5},
	"tag":                     {5, 5}, // AWS: 15
	"wellarchitected":         {5, 5},
}

// limit returns the SDK option that makes every attempt of a call wait for its turn.
func (c *cell) limit(what string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		if c.opts.Unlimited {
			return nil
		}
		wait := middleware.FinalizeMiddlewareFunc("OrreryLimit", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if err := c.limiter(what).Wait(ctx); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("wait for our own rate limit: %w", err)
			}
			return next.HandleFinalize(ctx, in)
		})
		return stack.Finalize.Insert(wait, "Retry", middleware.After)
	}
}

// limiter is shared by every cell of the process on the same account and Region; the
// advisory lock on a cell keeps other processes away.
func (c *cell) limiter(what string) *rate.Limiter {
	key := limitKey{c.Account, c.Region, what}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.limiters[key]
	if l == nil {
		l = rate.NewLimiter(limits[what].perSecond, limits[what].burst)
		c.limiters[key] = l
	}
	return l
}

// retryer is made anew for each client, without the SDK's token bucket, which would give
// up although AWS would answer (aws-sdk-go-v2#1665, #3413).
func (c *Collector) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.MaxAttempts = c.opts.MaxAttempts
		o.MaxBackoff = c.opts.MaxBackoff
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return backoff(attempt, c.opts.MaxBackoff), nil
		})
	})
}

// backoff doubles from 300 ms up to longest, and takes a random half of it.
func backoff(attempt int, longest time.Duration) time.Duration {
	d := min(longest, time.Duration(float64(300*time.Millisecond)*math.Pow(2, float64(min(attempt, 10)))))
	return d/2 + rand.N(d/2+1) //nolint:gosec // pauses need to differ, not to be secret
}

// call runs one call of AWS with its attempts under the call's timeout.
func call[O any](ctx context.Context, action string, c *cell, do func(context.Context) (O, error)) (O, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	out, err := do(ctx)
	if err != nil {
		return out, &callError{action, err}
	}
	return out, nil
}

// callError says which call failed: "securityhub:GetFindings", as IAM writes it.
type callError struct {
	action string
	err    error
}

func (e *callError) Error() string { return e.action + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// endless is what pages fails with when a listing does not end.
type endless struct{ why string }

func (e endless) Error() string { return e.why }

// pages calls page with one token after another until there is none. A token that comes
// back a second time, or more pages than allowed, ends it with endless.
func (c *Collector) pages(page func(token *string) (*string, error)) error {
	seen := map[string]bool{}
	var token *string
	for range c.opts.MaxPages {
		next, err := page(token)
		if err != nil || next == nil || *next == "" {
			return err
		}
		if seen[*next] {
			return endless{"AWS sent the same page twice"}
		}
		seen[*next] = true
		token = next
	}
	return endless{fmt.Sprintf("AWS offered more than %d pages", c.opts.MaxPages)}
}
