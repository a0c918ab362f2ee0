package awscloud

import (
	"context"
	"sync"

	"orrery/internal/evidence"
)

// readAll reads the sources of the ask one after the other, and beside them the activities:
// these wait for their own limit most of the time.
func (c *cell) readAll(ctx context.Context, ask evidence.Ask) []evidence.Outcome {
	var mu sync.Mutex
	emit := c.emit
	c.emit = func(source string, facts []evidence.Observation) error {
		mu.Lock()
		defer mu.Unlock()
		return emit(source, facts)
	}
	sources := ask.Sources()
	out := make([]evidence.Outcome, len(sources))
	var beside sync.WaitGroup
	for i, source := range sources {
		if source == evidence.ActivitySource {
			beside.Go(func() { out[i] = c.readSource(ctx, source, ask) })
		}
	}
	for i, source := range sources {
		if source != evidence.ActivitySource && ctx.Err() == nil {
			out[i] = c.readSource(ctx, source, ask)
		}
	}
	beside.Wait()
	return out
}

func (c *cell) readSource(ctx context.Context, source string, ask evidence.Ask) (o evidence.Outcome) {
	switch source {
	case evidence.ControlSource:
		o = c.hubFirst(ctx, source, ask.Controls, (*centre).readControls, c.readControls)
	case evidence.RuleSource:
		o = c.hubFirst(ctx, source, ask.ConfigRules, (*centre).readRules, c.readRules)
	}
	switch {
	case o.Result != "":
	case c.refused != nil:
		o = c.refused.outcome(source)
	default:
		o = c.readOwn(ctx, source, ask)
	}
	o.Source = source
	return o
}

// readOwn reads a source that only the account itself tells about.
func (c *cell) readOwn(ctx context.Context, source string, ask evidence.Ask) evidence.Outcome {
	switch source {
	case evidence.RecorderSource:
		return c.reportRecorder(ctx)
	case evidence.TrailSource:
		return c.readTrail(ctx, ask)
	}
	return c.readFurther(ctx, source, ask.More[source])
}
