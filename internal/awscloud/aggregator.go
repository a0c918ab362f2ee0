package awscloud

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"orrery/internal/evidence"
)

// aggregated is what the hub's AWS Config says about its aggregators.
type aggregated struct {
	all    []types.ConfigurationAggregator
	failed map[string][]types.AggregatedSourceStatus // by aggregator: whose last update failed or is outdated
}

// readRules reads the compliance of the rules in the cell from the aggregator. told are the
// rules that it has a result of: one without a result is missing there, which proves nothing.
// What is compliant still rests on the account's own recorder.
func (c *centre) readRules(ctx context.Context, keys []string) (told map[string]bool, why *refusal) {
	name, why := c.aggregator(ctx)
	if why != nil {
		return nil, why
	}
	rules, err := c.aggregatedRules(ctx, name, keys)
	if err != nil {
		return nil, c.why(err)
	}
	told = map[string]bool{}
	for _, r := range rules {
		told[r.key] = true
	}
	if len(rules) == 0 {
		return told, nil
	}
	c.listFailing(ctx, name, rules)
	facts := c.own.observeRules(ctx, rules)
	if err := c.own.emit(evidence.RuleSource, facts); err != nil {
		return nil, c.why(err)
	}
	return told, nil
}

// aggregator is the name of an aggregator that covers the cell and was updated.
func (c *centre) aggregator(ctx context.Context) (name string, why *refusal) {
	known, err := remembered(c.Collector, "aggregators "+c.Cell.String(), c.now, func() (aggregated, error) { return c.askAggregators(ctx) })
	if err != nil {
		return "", c.why(err)
	}
	for _, a := range known.all {
		if !covers(a, c.own.Cell) {
			continue
		}
		name = aws.ToString(a.ConfigurationAggregatorName)
		if !slices.ContainsFunc(known.failed[name], func(s types.AggregatedSourceStatus) bool { return concerns(s, c.own.Cell) }) {
			return name, nil
		}
	}
	if name != "" {
		return "", &refusal{result: evidence.Partial, detail: fmt.Sprintf("The aggregator %s of AWS Config in %s could not update what it knows of %s.", name, c.Cell, c.own.Cell)}
	}
	return "", &refusal{result: evidence.Off, detail: fmt.Sprintf("AWS Config has no aggregator in %s that covers %s.", c.Cell, c.own.Cell)}
}

func covers(a types.ConfigurationAggregator, cell evidence.Cell) bool {
	if o := a.OrganizationAggregationSource; o != nil && (o.AllAwsRegions || slices.Contains(o.AwsRegions, cell.Region)) {
		return true
	}
	return slices.ContainsFunc(a.AccountAggregationSources, func(s types.AccountAggregationSource) bool {
		return slices.Contains(s.AccountIds, cell.Account) && (s.AllAwsRegions || slices.Contains(s.AwsRegions, cell.Region))
	})
}

// concerns reports whether a source that could not be updated is the cell's, or the whole
// organisation.
func concerns(s types.AggregatedSourceStatus, cell evidence.Cell) bool {
	region := aws.ToString(s.AwsRegion)
	return (s.SourceType == types.AggregatedSourceTypeOrganization || aws.ToString(s.SourceId) == cell.Account) && (region == "" || region == cell.Region)
}

func (c *centre) askAggregators(ctx context.Context) (out aggregated, err error) {
	client := c.config()
	in := &configservice.DescribeConfigurationAggregatorsInput{}
	err = c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "config:DescribeConfigurationAggregators", c.cell, func(ctx context.Context) (*configservice.DescribeConfigurationAggregatorsOutput, error) {
			return client.DescribeConfigurationAggregators(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		out.all = append(out.all, page.ConfigurationAggregators...)
		return page.NextToken, nil
	})
	out.failed = map[string][]types.AggregatedSourceStatus{}
	for _, a := range out.all {
		name := aws.ToString(a.ConfigurationAggregatorName)
		if err == nil {
			out.failed[name], err = c.failedSources(ctx, client, name)
		}
	}
	return out, err
}

func (c *centre) failedSources(ctx context.Context, client *configservice.Client, name string) (out []types.AggregatedSourceStatus, err error) {
	in := &configservice.DescribeConfigurationAggregatorSourcesStatusInput{
		ConfigurationAggregatorName: aws.String(name), Limit: 100,
		UpdateStatus: []types.AggregatedSourceStatusType{types.AggregatedSourceStatusTypeFailed, types.AggregatedSourceStatusTypeOutdated},
	}
	return out, c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "config:DescribeConfigurationAggregatorSourcesStatus", c.cell, func(ctx context.Context) (*configservice.DescribeConfigurationAggregatorSourcesStatusOutput, error) {
			return client.DescribeConfigurationAggregatorSourcesStatus(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, s := range page.AggregatedSourceStatusList {
			if s.LastUpdateStatus != types.AggregatedSourceStatusTypeSucceeded {
				out = append(out, s)
			}
		}
		return page.NextToken, nil
	})
}

// aggregatedRules are the rules of the cell that the aggregator has a result of, of those
// asked for.
func (c *centre) aggregatedRules(ctx context.Context, name string, keys []string) (out []*rule, err error) {
	client := c.config()
	in := &configservice.DescribeAggregateComplianceByConfigRulesInput{
		ConfigurationAggregatorName: aws.String(name), Limit: 1000,
		Filters: &types.ConfigRuleComplianceFilters{AccountId: aws.String(c.own.Account), AwsRegion: aws.String(c.own.Region)},
	}
	return out, c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "config:DescribeAggregateComplianceByConfigRules", c.cell, func(ctx context.Context) (*configservice.DescribeAggregateComplianceByConfigRulesOutput, error) {
			return client.DescribeAggregateComplianceByConfigRules(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, r := range page.AggregateComplianceByConfigRules {
			if aws.ToString(r.AccountId) != c.own.Account || aws.ToString(r.AwsRegion) != c.own.Region || r.Compliance == nil {
				continue // somebody else's, whatever the filter was
			}
			rule := named(aws.ToString(r.ConfigRuleName), keys)
			if rule.compliance = r.Compliance.ComplianceType; rule.key != "" && rule.compliance != "" {
				rule.seenAt = c.seenAt()
				out = append(out, rule)
			}
		}
		return page.NextToken, nil
	})
}
