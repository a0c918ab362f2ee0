package awscloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"orrery/internal/evidence"
)

const rulesPerRequest = 25

// conformancePack is what AWS appends to the name of a rule that a conformance pack deploys.
var conformancePack = regexp.MustCompile(`-conformance-pack-[a-z0-9]+$`)

// rule is a Config rule that answers for a key.
type rule struct {
	key, name, arn string
	state          types.ConfigRuleState
	compliance     types.ComplianceType // empty until read
	seenAt         string               // the hub that told of it; empty when the account did
	listing        listing              // of what fails it
}

// named is a rule of that name; its key is the one of keys that it answers for, by its name
// or by the name it has in a conformance pack, and empty when it answers for none.
func named(name string, keys []string) *rule {
	for _, key := range []string{name, conformancePack.ReplaceAllString(name, "")} {
		if slices.Contains(keys, key) {
			return &rule{key: key, name: name}
		}
	}
	return &rule{name: name}
}

// readRules reads the compliance of the rules asked for, and of those that are not compliant
// which resources fail. A rule speaks for the whole account. What rests on a recorder that
// does not record proves nothing.
func (c *cell) readRules(ctx context.Context, keys []string) evidence.Outcome {
	client := c.config()
	rules, err := c.listRules(ctx, client, keys)
	if err != nil {
		return c.explain(err).outcome("")
	}
	worst := c.readCompliance(ctx, client, rules)
	if ctx.Err() != nil {
		return evidence.Outcome{Result: evidence.Error}
	}
	unlisted := c.listFailing(ctx, rules)
	facts := c.observeRules(ctx, rules)
	for _, key := range keys {
		if !slices.ContainsFunc(rules, func(r *rule) bool { return r.key == key }) {
			facts = append(facts, c.ruleFact(rule{key: key}, evidence.Unknown, evidence.RuleAbsent,
				fmt.Sprintf("There is no Config rule %s in %s.", key, c.Cell)))
		}
	}
	o := stopped(c.emit(evidence.RuleSource, facts))
	if worst != nil && o.Result == evidence.OK {
		return worst.outcome("")
	}
	if unlisted != nil && o.Result == evidence.OK { // the rules themselves were read
		o.Detail, o.Permission = "Which resources fail could not be listed. "+unlisted.detail, unlisted.permission
	}
	return o
}

// listRules reads every rule of the account and keeps those asked for: by their name, or by
// the name they have in a conformance pack.
func (c *cell) listRules(ctx context.Context, client *configservice.Client, keys []string) ([]*rule, error) {
	var out []*rule
	in := &configservice.DescribeConfigRulesInput{}
	err := c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "config:DescribeConfigRules", c, func(ctx context.Context) (*configservice.DescribeConfigRulesOutput, error) {
			return client.DescribeConfigRules(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, r := range page.ConfigRules {
			if one := named(aws.ToString(r.ConfigRuleName), keys); one.key != "" {
				one.arn, one.state = aws.ToString(r.ConfigRuleArn), r.ConfigRuleState
				out = append(out, one)
			}
		}
		return page.NextToken, nil
	})
	return out, err
}

// readCompliance fills in what each active rule says. What fails leaves its rules unread
// and is returned, the first of them; a failure of AWS itself counts as partial.
func (c *cell) readCompliance(ctx context.Context, client *configservice.Client, rules []*rule) (worst *refusal) {
	byName := map[string]*rule{}
	var names []string
	for _, r := range rules {
		if r.state == types.ConfigRuleStateActive || r.state == "" {
			byName[r.name] = r
			names = append(names, r.name)
		}
	}
	for batch := range slices.Chunk(names, rulesPerRequest) {
		in := &configservice.DescribeComplianceByConfigRuleInput{ConfigRuleNames: batch}
		err := c.pages(func(token *string) (*string, error) {
			in.NextToken = token
			page, err := call(ctx, "config:DescribeComplianceByConfigRule", c, func(ctx context.Context) (*configservice.DescribeComplianceByConfigRuleOutput, error) {
				return client.DescribeComplianceByConfigRule(ctx, in)
			})
			if err != nil {
				return nil, err
			}
			for _, r := range page.ComplianceByConfigRules {
				if known := byName[aws.ToString(r.ConfigRuleName)]; known != nil && r.Compliance != nil {
					known.compliance = r.Compliance.ComplianceType
				}
			}
			return page.NextToken, nil
		})
		if err == nil {
			continue
		}
		refused := c.explain(err)
		if isServerError(err) {
			refused.result = evidence.Partial
		}
		worst = cmp.Or(worst, &refused)
		if refused.result != evidence.Partial {
			return worst // the next batch would be refused too
		}
	}
	return worst
}

// observeRules are the facts of rules. A rule may be there twice, also in a conformance pack:
// what could not be listed of one is not known of its key.
func (c *cell) observeRules(ctx context.Context, rules []*rule) (facts []evidence.Observation) {
	unlisted := map[string]string{}
	for _, r := range rules {
		unlisted[r.key] = cmp.Or(unlisted[r.key], r.listing.cut)
	}
	for _, r := range rules {
		if r.compliance == types.ComplianceTypeNonCompliant && (r.state == types.ConfigRuleStateActive || r.state == "") {
			facts = append(facts, c.failingFacts(r, unlisted[r.key])...)
		} else {
			facts = append(facts, c.observeRule(ctx, r))
		}
	}
	return facts
}

func (c *cell) observeRule(ctx context.Context, r *rule) evidence.Observation {
	at := fmt.Sprintf("the Config rule %s in %s", r.name, c.Cell)
	switch {
	case r.state != types.ConfigRuleStateActive && r.state != "":
		return c.ruleFact(*r, evidence.Unknown, evidence.RuleNotActive, fmt.Sprintf("The Config rule %s is not active in %s (%s).", r.name, c.Cell, r.state))
	case r.compliance == "":
		return c.ruleFact(*r, evidence.Unknown, evidence.RuleUnread, fmt.Sprintf("AWS Config did not say how compliant %s is.", at))
	case r.compliance == types.ComplianceTypeNotApplicable:
		return c.ruleFact(*r, evidence.NotApplicable, evidence.RuleNotApplied, fmt.Sprintf("Nothing is in the reach of %s.", at))
	case r.compliance != types.ComplianceTypeCompliant:
		return c.ruleFact(*r, evidence.Unknown, evidence.InsufficientData, fmt.Sprintf("There is no result yet of %s.", at))
	}
	if rec := c.readRecorder(ctx); rec.state != evidence.Pass {
		return c.ruleFact(*r, evidence.Unknown, cmp.Or(rec.reason, evidence.RecorderUnread),
			fmt.Sprintf("The last result of %s was compliant, but it rests on a recorder. %s", at, rec.sentence))
	}
	return c.ruleFact(*r, evidence.Pass, "", fmt.Sprintf("Everything is compliant with %s.", at))
}

func (c *cell) ruleFact(r rule, state evidence.FactState, reason, sentence string) evidence.Observation {
	return evidence.Observation{
		Control: r.key, Resource: evidence.AccountResource(c.Account), Origin: cmp.Or(r.arn, r.name), State: state, Reason: reason, Title: sentence, ObservedAt: c.now,
		Detail: compact(map[string]any{"rule": r.name, "arn": r.arn, "state": string(r.state), "compliance": string(r.compliance), "seen_at": r.seenAt}),
	}
}

// compact is a small document of our own making.
func compact(doc map[string]any) json.RawMessage {
	out, err := json.Marshal(pruneValue(doc))
	if err != nil {
		return nil
	}
	return out
}
