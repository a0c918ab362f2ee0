package awscloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"orrery/internal/evidence"
)

var _ evidence.Prober = (*Collector)(nil)

// Actions lists what Probe tries, beside taking the role.
func (c *Collector) Actions(hub bool) []string {
	if hub {
		return append(Actions(), HubActions()...)
	}
	return Actions()
}

// Probe tries the calls that collections make in a cell, each once, and with hub those that
// are made of an organisation's hub. It takes the role anew.
func (c *Collector) Probe(ctx context.Context, where evidence.Cell, access evidence.Access, hub bool) []evidence.Permission {
	opts := c.opts
	opts.MaxAttempts, opts.CallTimeout = 2, 8*time.Second
	r := &cell{Collector: newCollector(c.cfg, opts), Cell: where, cfg: c.cfg, now: c.opts.Now().UTC()}
	var out []evidence.Permission
	refused := r.assume(ctx, access)
	if access.RoleARN != "" {
		out = append(out, firstStep("sts:AssumeRole", refused, "Orrery took the role "+access.RoleARN+"."))
	}
	if refused == nil {
		refused = r.identify(ctx)
		out = append(out, firstStep("sts:GetCallerIdentity", refused, "The credentials belong to account "+where.Account+"."))
	}
	list := actions
	if hub {
		list = slices.Concat(actions, hubActions)
	}
	for _, a := range list {
		p := evidence.Permission{Action: a.name, State: evidence.NotKnown, Sentence: "It was not tried, since the account was not reached."}
		if refused == nil {
			p = r.attempt(ctx, a.name, a.try)
		}
		out = append(out, p)
	}
	return out
}

func firstStep(action string, refused *refusal, good string) evidence.Permission {
	switch {
	case refused == nil:
		return evidence.Permission{Action: action, State: evidence.Granted, Sentence: good}
	case refused.result == evidence.Denied || refused.result == evidence.WrongAccount:
		return evidence.Permission{Action: action, State: evidence.NotGranted, Sentence: refused.detail}
	}
	return evidence.Permission{Action: action, State: evidence.NotKnown, Sentence: refused.detail}
}

// attempt makes the smallest call of an action. AWS checks the permission before it looks
// for what is named, so "not found" is a granted call.
func (c *cell) attempt(ctx context.Context, action string, try try) evidence.Permission {
	p := evidence.Permission{Action: action, State: evidence.NotKnown}
	if try == nil {
		p.State, p.Sentence = evidence.NotTried, "Only a collection makes this call."
		return p
	}
	_, err := call(ctx, action, c, func(ctx context.Context) (struct{}, error) { return struct{}{}, try(ctx, c) })
	if err == nil || isAbsent(err) {
		p.State, p.Sentence = evidence.Granted, "AWS answered."
		return p
	}
	r := c.explain(err)
	p.Sentence = r.detail
	switch r.result {
	case evidence.Denied:
		p.State = evidence.NotGranted
	case evidence.Off:
		p.Sentence = strings.TrimSuffix(r.detail, ".") + fmt.Sprintf(", so AWS does not say whether %s is granted.", action)
	}
	return p
}

// isAbsent reports that AWS looked for what was named and did not find it.
func isAbsent(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return strings.HasPrefix(code, "NoSuch") || strings.HasSuffix(code, "NotFoundException") || strings.HasSuffix(code, "NotFound") ||
		code == "ReportNotPresent"
}
