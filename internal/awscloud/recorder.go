package awscloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"orrery/internal/evidence"
)

// recorder is the state of the account's own Config recorder in a cell, and of what it delivers.
type recorder struct {
	state    evidence.FactState
	reason   string
	sentence string
	detail   map[string]any
	refused  *refusal // why it could not be read; the state is then unknown
}

func (c *cell) config() *configservice.Client {
	return configservice.NewFromConfig(c.cfg, func(o *configservice.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("config"))
	})
}

// readRecorder reads whether the recorder records, once for a cell: compliant rules rest on
// that too.
func (c *cell) readRecorder(ctx context.Context) recorder {
	if c.recorder == nil {
		r := unreadRecorder(c.refused)
		if c.refused == nil {
			var err error
			if r, err = c.askRecorder(ctx); err != nil {
				why := c.explain(err)
				r = unreadRecorder(&why)
			}
		}
		c.recorder = &r
	}
	return *c.recorder
}

func unreadRecorder(why *refusal) recorder {
	r := recorder{state: evidence.Unknown, reason: evidence.RecorderUnread, refused: why}
	if why != nil {
		r.sentence = why.detail
	}
	return r
}

func (c *cell) askRecorder(ctx context.Context) (recorder, error) {
	client := c.config()
	list, err := call(ctx, "config:DescribeConfigurationRecorders", c, func(ctx context.Context) (*configservice.DescribeConfigurationRecordersOutput, error) {
		return client.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
	})
	if err != nil && !hasCode(err, "NoSuchConfigurationRecorderException") {
		return recorder{}, err
	}
	var own []types.ConfigurationRecorder
	if err == nil {
		for _, r := range list.ConfigurationRecorders {
			if aws.ToString(r.ServicePrincipal) == "" { // a service's own recorder is not the account's
				own = append(own, r)
			}
		}
	}
	if len(own) == 0 {
		return recorder{state: evidence.Fail, reason: evidence.RecorderOff,
			sentence: fmt.Sprintf("There is no Config recorder of your own in %s.", c.Cell)}, nil
	}
	status, err := call(ctx, "config:DescribeConfigurationRecorderStatus", c, func(ctx context.Context) (*configservice.DescribeConfigurationRecorderStatusOutput, error) {
		return client.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
	})
	if err != nil {
		return recorder{}, err
	}
	for _, s := range status.ConfigurationRecordersStatus {
		for _, r := range own {
			if aws.ToString(s.Name) == aws.ToString(r.Name) && aws.ToString(s.ServicePrincipal) == "" {
				return c.judgeRecorder(r, s), nil
			}
		}
	}
	return recorder{state: evidence.Unknown, reason: evidence.RecorderUnread,
		sentence: fmt.Sprintf("AWS Config lists a recorder in %s but not its status.", c.Cell)}, nil
}

func (c *cell) judgeRecorder(r types.ConfigurationRecorder, s types.ConfigurationRecorderStatus) recorder {
	name := aws.ToString(r.Name)
	out := recorder{state: evidence.Fail, reason: evidence.RecorderOff, detail: map[string]any{
		"name": name, "recording": s.Recording, "last_status": string(s.LastStatus), "last_error": aws.ToString(s.LastErrorCode),
		"all_types": r.RecordingGroup != nil && r.RecordingGroup.AllSupported,
	}}
	switch {
	case !s.Recording:
		out.sentence = fmt.Sprintf("The Config recorder %s is stopped in %s.", name, c.Cell)
	case strings.EqualFold(string(s.LastStatus), string(types.RecorderStatusFailure)): // the model says Failure, AWS sends FAILURE
		out.reason = evidence.RecorderFailing
		out.sentence = fmt.Sprintf("The Config recorder %s is on in %s, but its last recording failed (%s).", name, c.Cell, oneLine(aws.ToString(s.LastErrorCode)))
	default:
		out.state, out.reason = evidence.Pass, ""
		out.sentence = fmt.Sprintf("The Config recorder %s records in %s.", name, c.Cell)
	}
	return out
}

// reportRecorder emits as a fact on the account whether the recorder records and delivers.
func (c *cell) reportRecorder(ctx context.Context) evidence.Outcome {
	r := c.readDelivery(ctx)
	if r.refused != nil {
		return r.refused.outcome("")
	}
	err := c.emit(evidence.RecorderSource, []evidence.Observation{{
		Control: evidence.RecorderKey, Resource: evidence.AccountResource(c.Account), State: r.state, Reason: r.reason,
		Title: r.sentence, Detail: compact(r.detail), ObservedAt: c.now,
	}})
	return stopped(err)
}

// stopped is the outcome after the last emit of a source.
func stopped(err error) evidence.Outcome {
	if err != nil {
		return evidence.Outcome{Result: evidence.Error, Detail: "Reading was stopped on our side."}
	}
	return evidence.Outcome{Result: evidence.OK}
}

// joinWords is "a", "a and b", "a, b and c".
func joinWords(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
