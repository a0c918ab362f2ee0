package awscloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
)

// nothing is a name that no rule and no trail has: asking for it tells a permission from
// its absence, and reads nothing.
const nothing = "orrery-permission-test"

// try makes the smallest call of an action.
type try func(ctx context.Context, c *cell) error

// actions are the IAM actions that collections need, in the order of the policy, each with
// its smallest call; without one a test of a connection says that it cannot tell.
var actions = []struct {
	name string
	try  try
}{
	{"securityhub:DescribeHub", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().others.DescribeHub(ctx, &securityhub.DescribeHubInput{})
		return err
	}},
	{"securityhub:GetEnabledStandards", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().others.GetEnabledStandards(ctx, &securityhub.GetEnabledStandardsInput{MaxResults: aws.Int32(1)})
		return err
	}},
	{"securityhub:BatchGetSecurityControls", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().others.BatchGetSecurityControls(ctx, &securityhub.BatchGetSecurityControlsInput{SecurityControlIds: []string{"CloudTrail.1"}})
		return err
	}},
	{"securityhub:GetFindings", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().findings.GetFindings(ctx, &securityhub.GetFindingsInput{MaxResults: aws.Int32(1)})
		return err
	}},
	{"config:DescribeConfigurationRecorders", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
		return err
	}},
	{"config:DescribeConfigurationRecorderStatus", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
		return err
	}},
	{"config:DescribeConfigRules", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeConfigRules(ctx, &configservice.DescribeConfigRulesInput{ConfigRuleNames: []string{nothing}})
		return err
	}},
	{"config:DescribeComplianceByConfigRule", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeComplianceByConfigRule(ctx, &configservice.DescribeComplianceByConfigRuleInput{ConfigRuleNames: []string{nothing}})
		return err
	}},
	{"cloudtrail:DescribeTrails", func(ctx context.Context, c *cell) error {
		_, err := c.trails().DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{nothing}})
		return err
	}},
	{"cloudtrail:GetTrailStatus", func(ctx context.Context, c *cell) error {
		_, err := c.trails().GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String(nothing)})
		return err
	}},
	{"cloudtrail:GetEventSelectors", func(ctx context.Context, c *cell) error {
		_, err := c.trails().GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: aws.String(nothing)})
		return err
	}},
}

// Actions lists the IAM actions that collections need. The policies in docs/ allow exactly
// these.
func Actions() []string {
	list := make([]string, 0, len(actions))
	for _, a := range actions {
		list = append(list, a.name)
	}
	return list
}
