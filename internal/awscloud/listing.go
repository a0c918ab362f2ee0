package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"

	"orrery/internal/evidence"
)

const (
	listedPerPage = 100
	// maxListed is how many failing resources of one rule are told: five pages are a few
	// seconds, and nobody mends more by a list. The rule's own fact says that it was cut.
	maxListed = 500
	// maxListPages is for pages that are empty, as an aggregator's may be.
	maxListPages = 20
)

// failing is a resource that is not compliant with a rule.
type failing struct {
	kind, id   string // as AWS Config has them: the id is at times an ARN
	arn        string // empty where it cannot be told from kind and id
	annotation string
	recorded   *time.Time
	tags       []string
}

// resource is what facts on it are about.
func (f failing) resource() string {
	return cmp.Or(f.arn, f.kind+"/"+f.id)
}

// listing is what could be told of the resources that fail a rule.
type listing struct {
	failing []failing
	cut     string // why it is not whole; empty when it is
	tagless string // why the tags of some are not known; empty when they are
	refused *refusal
}

// detailsClient has the limit of calls that are made for each rule: AWS throttles such loops.
func (c *cell) detailsClient() *configservice.Client {
	return configservice.NewFromConfig(c.cfg, func(o *configservice.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("config:GetComplianceDetailsByConfigRule"))
	})
}

// listFailing reads which resources fail the rules that are not compliant, with their tags.
// The first refusal ends it: the next rule would meet it too. It is returned beside the
// rules, for a rule that fails is told all the same.
func (c *cell) listFailing(ctx context.Context, rules []*rule) (refused *refusal) {
	client := c.detailsClient()
	return c.listEach(ctx, rules, func(ctx context.Context, name string, token *string) ([]types.EvaluationResult, *string, error) {
		out, err := call(ctx, "config:GetComplianceDetailsByConfigRule", c, func(ctx context.Context) (*configservice.GetComplianceDetailsByConfigRuleOutput, error) {
			return client.GetComplianceDetailsByConfigRule(ctx, &configservice.GetComplianceDetailsByConfigRuleInput{
				ConfigRuleName: aws.String(name), ComplianceTypes: []types.ComplianceType{types.ComplianceTypeNonCompliant}, Limit: listedPerPage, NextToken: token,
			})
		})
		if err != nil {
			return nil, nil, err
		}
		return out.EvaluationResults, out.NextToken, nil
	})
}

// listFailing is that of the cell by the aggregator. What the hub refuses the account is
// asked for, where it can be.
func (c *centre) listFailing(ctx context.Context, aggregator string, rules []*rule) {
	client := c.detailsClient()
	refused := c.own.listEach(ctx, rules, func(ctx context.Context, name string, token *string) ([]types.EvaluationResult, *string, error) {
		out, err := call(ctx, "config:GetAggregateComplianceDetailsByConfigRule", c.cell, func(ctx context.Context) (*configservice.GetAggregateComplianceDetailsByConfigRuleOutput, error) {
			return client.GetAggregateComplianceDetailsByConfigRule(ctx, &configservice.GetAggregateComplianceDetailsByConfigRuleInput{
				ConfigurationAggregatorName: aws.String(aggregator), ConfigRuleName: aws.String(name), AccountId: aws.String(c.own.Account), AwsRegion: aws.String(c.own.Region),
				ComplianceType: types.ComplianceTypeNonCompliant, Limit: listedPerPage, NextToken: token,
			})
		})
		if err != nil {
			return nil, nil, err
		}
		var list []types.EvaluationResult
		for _, r := range out.AggregateEvaluationResults {
			if aws.ToString(r.AccountId) == c.own.Account && aws.ToString(r.AwsRegion) == c.own.Region {
				list = append(list, types.EvaluationResult{Annotation: r.Annotation, ComplianceType: r.ComplianceType,
					EvaluationResultIdentifier: r.EvaluationResultIdentifier, ResultRecordedTime: r.ResultRecordedTime})
			}
		}
		return list, out.NextToken, nil
	})
	if refused != nil && c.own.refused == nil {
		c.own.listFailing(ctx, rules)
	}
}

// page reads a page of what fails the rule of that name.
type page func(ctx context.Context, name string, token *string) ([]types.EvaluationResult, *string, error)

func (c *cell) listEach(ctx context.Context, rules []*rule, ask page) (refused *refusal) {
	for _, r := range rules {
		if r.compliance != types.ComplianceTypeNonCompliant || r.key == "" || ctx.Err() != nil {
			continue
		}
		if refused == nil {
			r.listing = c.list(ctx, r.name, ask)
			refused = r.listing.refused
		} else {
			r.listing = listing{cut: refused.detail}
		}
		c.tagFailing(ctx, &r.listing)
	}
	return refused
}

// list reads what fails one rule. A rule that went away meanwhile is no refusal.
func (c *cell) list(ctx context.Context, name string, ask page) (l listing) {
	n := 0
	err := c.pages(func(token *string) (*string, error) {
		n++
		results, next, err := ask(ctx, name, token)
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			l.add(c, r)
		}
		if (len(l.failing) >= maxListed || n == maxListPages) && aws.ToString(next) != "" {
			l.cut = fmt.Sprintf("Only the first %d of what fails were read.", len(l.failing))
			return nil, nil
		}
		return next, nil
	})
	if err != nil {
		why := c.explain(err)
		l.cut = why.detail
		if !hasCode(err, "NoSuchConfigRuleException") {
			l.refused = &why
		}
	}
	return l
}

// add notes a resource. The account itself is left out: the rule's own fact is on it.
func (l *listing) add(c *cell, r types.EvaluationResult) {
	if r.EvaluationResultIdentifier == nil || r.EvaluationResultIdentifier.EvaluationResultQualifier == nil || r.ComplianceType != types.ComplianceTypeNonCompliant {
		return
	}
	q := r.EvaluationResultIdentifier.EvaluationResultQualifier
	f := failing{kind: aws.ToString(q.ResourceType), id: aws.ToString(q.ResourceId), annotation: aws.ToString(r.Annotation), recorded: r.ResultRecordedTime}
	if f.id == "" || f.kind == "AWS::::Account" {
		return
	}
	f.arn = c.arnOf(f.kind, f.id)
	l.failing = append(l.failing, f)
}

// tagFailing reads the tags of what fails, by ARN. What was never tagged is not listed.
func (c *cell) tagFailing(ctx context.Context, l *listing) {
	at := map[string][]int{}
	var arns []string
	for i, f := range l.failing {
		switch {
		case f.arn == "":
			l.tagless = "The tags of some of them are not known."
		case at[f.arn] == nil:
			arns = append(arns, f.arn)
			fallthrough
		default:
			at[f.arn] = append(at[f.arn], i)
		}
	}
	if len(arns) == 0 {
		return
	}
	if c.refused != nil {
		l.tagless = "Their tags could not be read. " + c.refused.detail
		return
	}
	client := c.taggedClient()
	for start := 0; start < len(arns); start += tagsPerPage {
		in := &tagging.GetResourcesInput{ResourceARNList: arns[start:min(start+tagsPerPage, len(arns))]}
		out, err := call(ctx, "tag:GetResources", c, func(ctx context.Context) (*tagging.GetResourcesOutput, error) { return client.GetResources(ctx, in) })
		if err != nil {
			l.tagless = "Their tags could not be read. " + c.explain(err).detail
			return
		}
		for _, m := range out.ResourceTagMappingList {
			for _, i := range at[aws.ToString(m.ResourceARN)] {
				for _, t := range m.Tags {
					l.failing[i].tags = append(l.failing[i].tags, tag(t.Key, t.Value))
				}
			}
		}
	}
}

// arnParts are the middle of ARNs by the kind of a resource, where its id is their end.
var arnParts = map[string]string{
	"AWS::S3::Bucket": "s3:::", "AWS::Lambda::Function": "lambda:@:function:", "AWS::DynamoDB::Table": "dynamodb:@:table/", "AWS::KMS::Key": "kms:@:key/",
	"AWS::EC2::Instance": "ec2:@:instance/", "AWS::EC2::Volume": "ec2:@:volume/", "AWS::EC2::VPC": "ec2:@:vpc/", "AWS::EC2::Subnet": "ec2:@:subnet/",
	"AWS::EC2::SecurityGroup": "ec2:@:security-group/", "AWS::EC2::NetworkInterface": "ec2:@:network-interface/", "AWS::EC2::NetworkAcl": "ec2:@:network-acl/",
	"AWS::EC2::RouteTable": "ec2:@:route-table/", "AWS::EC2::InternetGateway": "ec2:@:internet-gateway/", "AWS::EC2::NatGateway": "ec2:@:natgateway/",
	"AWS::EC2::EIP": "ec2:@:elastic-ip/", "AWS::EC2::LaunchTemplate": "ec2:@:launch-template/", "AWS::EC2::TransitGateway": "ec2:@:transit-gateway/",
}

// arnOf is the ARN of a resource as AWS Config names it; empty where kind and id do not tell.
func (c *cell) arnOf(kind, id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	part, ok := arnParts[kind]
	if !ok {
		return ""
	}
	return "arn:" + partition(c.Region) + ":" + strings.Replace(part, "@", c.Region+":"+c.Account, 1) + id
}

// failingFacts are the rule's own fact and one for each resource that fails it. unlisted is
// why the list is not whole, for any of the rules of its key.
func (c *cell) failingFacts(r *rule, unlisted string) []evidence.Observation {
	at := fmt.Sprintf("the Config rule %s in %s", r.name, c.Cell)
	said := fmt.Sprintf("Something is not compliant with %s.", at)
	switch n := len(r.listing.failing); {
	case n == 1:
		said = fmt.Sprintf("1 resource is not compliant with %s.", at)
	case n > 1:
		said = fmt.Sprintf("%d resources are not compliant with %s.", n, at)
	}
	reason := ""
	switch {
	case unlisted != "":
		reason, said = evidence.Unlisted, "Not everything that fails could be listed. "+said+" "+unlisted
	case r.listing.tagless != "":
		reason = evidence.TagsUnread
		said += " " + r.listing.tagless
	}
	out := []evidence.Observation{c.ruleFact(*r, evidence.Fail, reason, said)}
	for _, f := range r.listing.failing {
		out = append(out, evidence.Observation{
			Control: r.key, Resource: f.resource(), Origin: cmp.Or(r.arn, r.name), State: evidence.Fail, Tags: f.tags, ObservedAt: c.now,
			Title: fmt.Sprintf("%s is not compliant with %s.", f.kind+" "+f.id, at),
			Detail: compact(map[string]any{"rule": r.name, "resource_type": f.kind, "resource_id": f.id, "annotation": f.annotation,
				"recorded": stamp(f.recorded), "seen_at": r.seenAt}),
		})
	}
	return out
}
