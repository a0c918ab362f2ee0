package awscloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const alarmsPerPage = 100

func (c *cell) alarmsClient() *cloudwatch.Client {
	return cloudwatch.NewFromConfig(c.cfg, func(o *cloudwatch.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("cloudwatch"))
	})
}

// readAlarms tells of each alarm whether it acts, and whether it has data to judge by.
func readAlarms(ctx context.Context, c *cell, keys []string, t *teller) error {
	tags, err := c.tagsOf(ctx, "cloudwatch:alarm")
	if err != nil {
		return err
	}
	client := c.alarmsClient()
	in := &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(alarmsPerPage), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}}
	return c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "cloudwatch:DescribeAlarms", c, func(ctx context.Context) (*cloudwatch.DescribeAlarmsOutput, error) {
			return client.DescribeAlarms(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			c.tellAlarm(alarm{a.AlarmArn, a.AlarmName, a.ActionsEnabled, a.AlarmActions, a.StateValue}, tags, keys, t)
		}
		for _, a := range page.CompositeAlarms {
			c.tellAlarm(alarm{a.AlarmArn, a.AlarmName, a.ActionsEnabled, a.AlarmActions, a.StateValue}, tags, keys, t)
		}
		return page.NextToken, nil
	})
}

// alarm is what metric and composite alarms have in common.
type alarm struct {
	arn, name *string
	enabled   *bool // nil: yes
	actions   []string
	state     types.StateValue
}

func (c *cell) tellAlarm(a alarm, tags map[string][]string, keys []string, t *teller) {
	on := a.enabled == nil || *a.enabled
	x := thing{arn: deref(a.arn), name: "The alarm " + deref(a.name), tags: tags[deref(a.arn)],
		detail: map[string]any{"actions_enabled": on, "alarm_actions": a.actions, "state": string(a.state)}}
	if slices.Contains(keys, "actions") {
		t.tell(c.on(x, "actions", on && len(a.actions) > 0, "tells somebody or does something", "does nothing when it goes off"))
	}
	if slices.Contains(keys, "data") {
		t.tell(c.on(x, "data", a.state != types.StateValueInsufficientData, "has data to judge by", "has no data to judge by"))
	}
}
