package awstest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Sound answers the further services as an account does in which everything is as it should
// be: a root user with a second factor, contacts, an alarm that acts, a VPC with a flow log, a
// database in several zones, a plan that ran, a restore, a group and a balancer in two zones.
// Tags are on every resource that has some.
func Sound(account, region string, tags map[string]string) Answers {
	arn := func(service, rest string) string {
		return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, account, rest)
	}
	alarm, balancer, group := arn("cloudwatch", "alarm:errors"), arn("elasticloadbalancing", "loadbalancer/app/front/1"), arn("elasticloadbalancing", "targetgroup/front/1")
	made := time.Now().Add(-20 * 24 * time.Hour).UTC().Format(time.RFC3339)
	yesterday := float64(time.Now().Add(-20 * time.Hour).Unix())
	report := "user,arn,password_enabled,password_last_used,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated\n" +
		"<root_account>,arn:aws:iam::" + account + ":root,true,no_information,true,false,N/A,false,N/A\n" +
		"kim,arn:aws:iam::" + account + ":user/kim,true,no_information,true,true," + made + ",false,N/A\n"
	out := Answers{
		"GetAccountSummary":         Always(Summary(map[string]int{"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "Users": 1})),
		"GetCredentialReport":       Always(Report(report, time.Now().Add(-time.Hour))),
		"GenerateCredentialReport":  Always(`<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>COMPLETE</State></GenerateCredentialReportResult></GenerateCredentialReportResponse>`),
		"GetAlternateContact":       Always(map[string]any{"AlternateContact": map[string]any{"AlternateContactType": "SECURITY", "EmailAddress": "security@example.com", "Name": "Security", "PhoneNumber": "1", "Title": "Team"}}),
		"GetResources":              Always(map[string]any{"PaginationToken": "", "ResourceTagMappingList": mappings(tags, alarm, balancer, group)}),
		"DescribeAlarms":            Always(map[string]any{"MetricAlarms": []any{map[string]any{"AlarmArn": alarm, "AlarmName": "errors", "ActionsEnabled": true, "AlarmActions": []string{arn("sns", "oncall")}, "StateValue": "OK"}}}),
		"DescribeVpcs":              Always(`<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId><ownerId>` + account + `</ownerId><isDefault>false</isDefault>` + ec2Tags(tags) + `</item></vpcSet></DescribeVpcsResponse>`),
		"DescribeFlowLogs":          Always(`<DescribeFlowLogsResponse><flowLogSet><item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><flowLogStatus>ACTIVE</flowLogStatus><deliverLogsStatus>SUCCESS</deliverLogsStatus><trafficType>ALL</trafficType></item></flowLogSet></DescribeFlowLogsResponse>`),
		"DescribeDBInstances":       Always(`<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>ledger</DBInstanceIdentifier><DBInstanceArn>` + arn("rds", "db:ledger") + `</DBInstanceArn><Engine>postgres</Engine><MultiAZ>true</MultiAZ><BackupRetentionPeriod>14</BackupRetentionPeriod><TagList>` + listTags(tags, "Tag") + `</TagList></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>`),
		"DescribeDBClusters":        Always(`<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters/></DescribeDBClustersResult></DescribeDBClustersResponse>`),
		"ListBackupPlans":           Always(map[string]any{"BackupPlansList": []any{map[string]any{"BackupPlanArn": arn("backup", "backup-plan:1"), "BackupPlanId": "1", "BackupPlanName": "daily", "LastExecutionDate": yesterday}}}),
		"ListBackupSelections":      Always(map[string]any{"BackupSelectionsList": []any{map[string]any{"SelectionId": "s", "SelectionName": "all", "BackupPlanId": "1"}}}),
		"ListRestoreJobs":           Always(map[string]any{"RestoreJobs": []any{map[string]any{"RestoreJobId": "r-1", "Status": "COMPLETED", "ResourceType": "RDS", "CompletionDate": yesterday}}}),
		"DescribeAutoScalingGroups": Always(`<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>front</AutoScalingGroupName><AutoScalingGroupARN>` + arn("autoscaling", "autoScalingGroup:1:autoScalingGroupName/front") + `</AutoScalingGroupARN><AvailabilityZones><member>` + region + `a</member><member>` + region + `b</member></AvailabilityZones><HealthCheckType>ELB</HealthCheckType><TargetGroupARNs><member>` + group + `</member></TargetGroupARNs><Tags>` + listTags(tags, "member") + `</Tags></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`),
		"DescribeLoadBalancers":     Always(`<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>` + balancer + `</LoadBalancerArn><LoadBalancerName>front</LoadBalancerName><Type>application</Type><AvailabilityZones><member><ZoneName>` + region + `a</ZoneName></member><member><ZoneName>` + region + `b</ZoneName></member></AvailabilityZones></member></LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`),
		"DescribeTargetGroups":      Always(`<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>` + group + `</TargetGroupArn><TargetGroupName>front</TargetGroupName><TargetType>ip</TargetType><HealthCheckEnabled>true</HealthCheckEnabled><HealthCheckPath>/health</HealthCheckPath><LoadBalancerArns><member>` + balancer + `</member></LoadBalancerArns></member></TargetGroups></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>`),
	}
	maps.Copy(out, Tool(account, region, SoundTool()))
	return out
}

// SoundTool is the workload payments of the Well-Architected Tool in a sound account.
func SoundTool() ToolWorkload {
	return ToolWorkload{Name: "payments", ID: "0123456789abcdef0123456789abcdef", Changed: time.Now().Add(-10 * 24 * time.Hour), Answers: []ToolAnswer{
		{Question: "priorities", Risk: "MEDIUM", Notes: "The list of needs is in the wiki.",
			Choices: []string{"+ops_priorities_ext_cust_needs", "+ops_priorities_int_cust_needs", "-ops_priorities_governance_reqs", "ops_priorities_compliance_reqs", "+ops_priorities_new_this_year", "ops_priorities_no"}},
		{Question: "ops-model", Choices: []string{"ops_ops_model_def_resource_owners", "ops_ops_model_no"}},
	}}
}

// Empty answers the further services as an account does that has nothing.
func Empty() Answers {
	return Answers{
		"GetAlternateContact":       Refuse("ResourceNotFoundException"),
		"GetAccountSummary":         Always(Summary(map[string]int{"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 1})),
		"GetCredentialReport":       Always(Report("user,arn,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n<root_account>,arn:aws:iam::1:root,true,false,true,false\n", time.Now())),
		"GetResources":              Always(map[string]any{"ResourceTagMappingList": []any{}}),
		"DescribeAlarms":            Always(map[string]any{"MetricAlarms": []any{}, "CompositeAlarms": []any{}}),
		"DescribeVpcs":              Always(`<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`),
		"DescribeFlowLogs":          Always(`<DescribeFlowLogsResponse><flowLogSet/></DescribeFlowLogsResponse>`),
		"DescribeDBInstances":       Always(`<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances/></DescribeDBInstancesResult></DescribeDBInstancesResponse>`),
		"DescribeDBClusters":        Always(`<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters/></DescribeDBClustersResult></DescribeDBClustersResponse>`),
		"ListBackupPlans":           Always(map[string]any{"BackupPlansList": []any{}}),
		"ListRestoreJobs":           Always(map[string]any{"RestoreJobs": []any{}}),
		"DescribeAutoScalingGroups": Always(`<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`),
		"DescribeLoadBalancers":     Always(`<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers/></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`),
		"ListWorkloads":             Always(map[string]any{"WorkloadSummaries": []any{}}),
		"DescribeTargetGroups":      Always(`<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups/></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>`),
	}
}

// Summary is IAM's summary of an account.
func Summary(numbers map[string]int) string {
	var b strings.Builder
	for k, n := range numbers {
		fmt.Fprintf(&b, "<entry><key>%s</key><value>%d</value></entry>", k, n)
	}
	return `<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>` + b.String() + `</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>`
}

// Report is IAM's credential report of a time.
func Report(csv string, at time.Time) string {
	return `<GetCredentialReportResponse><GetCredentialReportResult><Content>` + base64.StdEncoding.EncodeToString([]byte(csv)) +
		`</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>` + at.UTC().Format(time.RFC3339) + `</GeneratedTime></GetCredentialReportResult></GetCredentialReportResponse>`
}

func mappings(tags map[string]string, arns ...string) []any {
	out := []any{}
	if len(tags) == 0 {
		return out
	}
	for _, a := range arns {
		var list []any
		for k, v := range tags {
			list = append(list, map[string]any{"Key": k, "Value": v})
		}
		out = append(out, map[string]any{"ResourceARN": a, "Tags": list})
	}
	return out
}

func listTags(tags map[string]string, element string) string {
	var b strings.Builder
	for k, v := range tags {
		fmt.Fprintf(&b, "<%[1]s><Key>%[2]s</Key><Value>%[3]s</Value></%[1]s>", element, k, v)
	}
	return b.String()
}

func ec2Tags(tags map[string]string) string {
	var b strings.Builder
	for k, v := range tags {
		fmt.Fprintf(&b, "<item><key>%s</key><value>%s</value></item>", k, v)
	}
	return "<tagSet>" + b.String() + "</tagSet>"
}
