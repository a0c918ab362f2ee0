package awscloud

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	wa "github.com/aws/aws-sdk-go-v2/service/wellarchitected"
)

// nothing is a name that no rule and no trail has: asking for it tells a permission from
// its absence, and reads nothing.
const nothing = "orrery-permission-test"

// try makes the smallest call of an action.
type try func(ctx context.Context, c *cell) error

// action is an IAM action with its smallest call.
type action struct {
	name string
	try  try
}

// actions are the IAM actions that collections need, in the order of the policy, each with
// its smallest call; without one a test of a connection says that it cannot tell.
var actions = []action{
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
	{"config:DescribeDeliveryChannelStatus", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeDeliveryChannelStatus(ctx, &configservice.DescribeDeliveryChannelStatusInput{})
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
	{"config:GetComplianceDetailsByConfigRule", func(ctx context.Context, c *cell) error {
		_, err := c.detailsClient().GetComplianceDetailsByConfigRule(ctx, &configservice.GetComplianceDetailsByConfigRuleInput{ConfigRuleName: aws.String(nothing), Limit: 1})
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
	{"cloudtrail:LookupEvents", func(ctx context.Context, c *cell) error {
		by := []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(nothing)}}
		_, err := c.historyClient().LookupEvents(ctx, &cloudtrail.LookupEventsInput{LookupAttributes: by, MaxResults: aws.Int32(1)})
		return err
	}},
	{"iam:GetAccountSummary", func(ctx context.Context, c *cell) error {
		_, err := c.iamClient().GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		return err
	}},
	{"iam:GetCredentialReport", func(ctx context.Context, c *cell) error {
		_, err := c.iamClient().GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
		return err
	}},
	{"iam:GenerateCredentialReport", nil}, // a test writes nothing, not even AWS's own report
	{"account:GetAlternateContact", func(ctx context.Context, c *cell) error {
		_, err := c.contactsClient().GetAlternateContact(ctx, &account.GetAlternateContactInput{AlternateContactType: "SECURITY"})
		return err
	}},
	{"cloudwatch:DescribeAlarms", func(ctx context.Context, c *cell) error {
		_, err := c.alarmsClient().DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(1)})
		return err
	}},
	{"ec2:DescribeVpcs", func(ctx context.Context, c *cell) error {
		return c.ec2(ctx, "DescribeVpcs", url.Values{"MaxResults": {"5"}}, &struct{}{})
	}},
	{"ec2:DescribeFlowLogs", func(ctx context.Context, c *cell) error {
		return c.ec2(ctx, "DescribeFlowLogs", url.Values{"MaxResults": {"5"}}, &struct{}{})
	}},
	{"rds:DescribeDBInstances", func(ctx context.Context, c *cell) error {
		_, err := c.databasesClient().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
		return err
	}},
	{"rds:DescribeDBClusters", func(ctx context.Context, c *cell) error {
		_, err := c.databasesClient().DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(20)})
		return err
	}},
	{"backup:ListBackupPlans", func(ctx context.Context, c *cell) error {
		_, err := c.backup().ListBackupPlans(ctx, &backup.ListBackupPlansInput{MaxResults: aws.Int32(1)})
		return err
	}},
	{"backup:ListBackupSelections", func(ctx context.Context, c *cell) error {
		_, err := c.backup().ListBackupSelections(ctx, &backup.ListBackupSelectionsInput{BackupPlanId: aws.String(nothing)})
		return err
	}},
	{"backup:ListRestoreJobs", func(ctx context.Context, c *cell) error {
		_, err := c.backup().ListRestoreJobs(ctx, &backup.ListRestoreJobsInput{MaxResults: aws.Int32(1)})
		return err
	}},
	{"autoscaling:DescribeAutoScalingGroups", func(ctx context.Context, c *cell) error {
		_, err := c.groupsClient().DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(1)})
		return err
	}},
	{"elasticloadbalancing:DescribeLoadBalancers", func(ctx context.Context, c *cell) error {
		_, err := c.balancersClient().DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)})
		return err
	}},
	{"elasticloadbalancing:DescribeTargetGroups", func(ctx context.Context, c *cell) error {
		_, err := c.balancersClient().DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{PageSize: aws.Int32(1)})
		return err
	}},
	{"tag:GetResources", func(ctx context.Context, c *cell) error {
		_, err := c.taggedClient().GetResources(ctx, &tagging.GetResourcesInput{ResourcesPerPage: aws.Int32(1)})
		return err
	}},
	{"wellarchitected:ListWorkloads", func(ctx context.Context, c *cell) error {
		_, err := c.toolClient().ListWorkloads(ctx, &wa.ListWorkloadsInput{MaxResults: aws.Int32(1)})
		return err
	}},
	{"wellarchitected:ListLensReviews", func(ctx context.Context, c *cell) error {
		_, err := c.toolClient().ListLensReviews(ctx, &wa.ListLensReviewsInput{WorkloadId: aws.String(noToolReview), MaxResults: aws.Int32(1)})
		return err
	}},
	{"wellarchitected:ListAnswers", func(ctx context.Context, c *cell) error {
		_, err := c.toolClient().ListAnswers(ctx, &wa.ListAnswersInput{WorkloadId: aws.String(noToolReview), LensAlias: aws.String("wellarchitected"), MaxResults: aws.Int32(1)})
		return err
	}},
	{"wellarchitected:GetAnswer", func(ctx context.Context, c *cell) error {
		_, err := c.toolClient().GetAnswer(ctx, &wa.GetAnswerInput{WorkloadId: aws.String(noToolReview), LensAlias: aws.String("wellarchitected"), QuestionId: aws.String("priorities")})
		return err
	}},
}

// hubActions are made in the account of an organisation's hub, beside the others.
var hubActions = []action{
	{"securityhub:ListFindingAggregators", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().others.ListFindingAggregators(ctx, &securityhub.ListFindingAggregatorsInput{})
		return err
	}},
	{"securityhub:GetFindingAggregator", func(ctx context.Context, c *cell) error {
		arn := "arn:" + partition(c.Region) + ":securityhub:" + c.Region + ":" + c.Account + ":finding-aggregator/00000000-0000-0000-0000-000000000000"
		_, err := c.newHub().others.GetFindingAggregator(ctx, &securityhub.GetFindingAggregatorInput{FindingAggregatorArn: aws.String(arn)})
		return err
	}},
	{"securityhub:GetMembers", func(ctx context.Context, c *cell) error {
		_, err := c.newHub().others.GetMembers(ctx, &securityhub.GetMembersInput{AccountIds: []string{c.Account}})
		return err
	}},
	{"config:DescribeConfigurationAggregators", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeConfigurationAggregators(ctx, &configservice.DescribeConfigurationAggregatorsInput{Limit: 1})
		return err
	}},
	{"config:DescribeConfigurationAggregatorSourcesStatus", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeConfigurationAggregatorSourcesStatus(ctx, &configservice.DescribeConfigurationAggregatorSourcesStatusInput{ConfigurationAggregatorName: aws.String(nothing)})
		return err
	}},
	{"config:DescribeAggregateComplianceByConfigRules", func(ctx context.Context, c *cell) error {
		_, err := c.config().DescribeAggregateComplianceByConfigRules(ctx, &configservice.DescribeAggregateComplianceByConfigRulesInput{ConfigurationAggregatorName: aws.String(nothing)})
		return err
	}},
	{"config:GetAggregateComplianceDetailsByConfigRule", func(ctx context.Context, c *cell) error {
		_, err := c.detailsClient().GetAggregateComplianceDetailsByConfigRule(ctx, &configservice.GetAggregateComplianceDetailsByConfigRuleInput{
			ConfigurationAggregatorName: aws.String(nothing), ConfigRuleName: aws.String(nothing), AccountId: aws.String(c.Account), AwsRegion: aws.String(c.Region), Limit: 1,
		})
		return err
	}},
}

// Actions lists the IAM actions that collections need. The policies in docs/ allow exactly
// these.
func Actions() []string { return names(actions) }

// HubActions lists those that an organisation's hub needs beside.
func HubActions() []string { return names(hubActions) }

func names(of []action) []string {
	list := make([]string, 0, len(of))
	for _, a := range of {
		list = append(list, a.name)
	}
	return list
}
