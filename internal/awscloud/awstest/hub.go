package awstest

import "slices"

// Hub is the account of World.Own as an organisation's hub: what Security Hub and AWS Config
// tell there about members. It holds findings in its home Region only.
type Hub struct {
	Region      string
	Linking     string   // ALL_REGIONS when empty
	Linked      []string // the Regions that Linking speaks of
	Unlinked    bool     // there is no finding aggregator
	Members     []string // accounts; World.Account is one unless Strangers
	Strangers   bool
	Findings    []Finding
	Rules       []AggregatedRule
	NoCollector bool     // AWS Config has no aggregator
	Outdated    []string // accounts whose last update failed
}

// AggregatedRule is the result of a Config rule as an aggregator has it.
type AggregatedRule struct {
	Account    string // the world's account when empty
	Region     string
	Name       string
	Compliance string // COMPLIANT when empty
	Failing    []Evaluated
}

const aggregator = "organisation"

// hubAnswer plays Security Hub and AWS Config of the hub. The caller holds the lock.
func (s *Server) hubAnswer(q request) (any, *Fault) {
	h := s.world.Hub
	switch q.Op {
	case "GetFindings":
		held := &Region{}
		if q.Region == h.Region {
			held.Findings = h.Findings
		}
		return s.getFindings(q, held)
	case "BatchGetSecurityControls":
		return batchGetSecurityControls(q, &Region{}), nil
	case "ListFindingAggregators":
		if h.Unlinked {
			return map[string]any{"FindingAggregators": []any{}}, nil
		}
		return map[string]any{"FindingAggregators": []any{map[string]any{"FindingAggregatorArn": "arn:aws:securityhub:" + h.Region + ":" + s.world.Own + ":finding-aggregator/1"}}}, nil
	case "GetFindingAggregator":
		return map[string]any{"FindingAggregationRegion": h.Region, "RegionLinkingMode": or(h.Linking, "ALL_REGIONS"), "Regions": h.Linked}, nil
	case "GetMembers":
		return s.members(q, h), nil
	case "DescribeConfigurationAggregators":
		if h.NoCollector {
			return map[string]any{"ConfigurationAggregators": []any{}}, nil
		}
		return map[string]any{"ConfigurationAggregators": []any{map[string]any{"ConfigurationAggregatorName": aggregator, "OrganizationAggregationSource": map[string]any{"RoleArn": "r", "AllAwsRegions": true}}}}, nil
	case "DescribeConfigurationAggregatorSourcesStatus":
		out := []any{}
		for _, a := range h.Outdated {
			out = append(out, map[string]any{"SourceId": a, "SourceType": "ACCOUNT", "LastUpdateStatus": "OUTDATED"})
		}
		return map[string]any{"AggregatedSourceStatusList": out}, nil
	case "DescribeAggregateComplianceByConfigRules":
		return s.aggregatedRules(q, h), nil
	case "GetAggregateComplianceDetailsByConfigRule":
		for _, r := range h.Rules {
			if r.Name == q.in["ConfigRuleName"] && or(r.Account, s.world.Account) == q.in["AccountId"] && r.Region == q.in["AwsRegion"] {
				answer := details(q, r.Name, or(r.Account, s.world.Account), r.Failing, "AggregateEvaluationResults")
				for _, one := range list(answer["AggregateEvaluationResults"]) {
					m, _ := one.(map[string]any)
					m["AwsRegion"] = r.Region
				}
				return answer, nil
			}
		}
		return nil, &Fault{Code: "NoSuchConfigRuleException", Message: "The ConfigRule is invalid."}
	}
	return nil, &Fault{Code: "UnknownOperationException", Message: "the hub does not play " + q.Op}
}

func (s *Server) members(q request, h *Hub) any {
	all := h.Members
	if !h.Strangers {
		all = append(slices.Clone(all), s.world.Account)
	}
	out, unknown := []any{}, []any{}
	for _, id := range texts(q.in["AccountIds"]) {
		if slices.Contains(all, id) {
			out = append(out, map[string]any{"AccountId": id, "MemberStatus": "Enabled"})
		} else {
			unknown = append(unknown, map[string]any{"AccountId": id, "ProcessingResult": "no member"})
		}
	}
	return map[string]any{"Members": out, "UnprocessedAccounts": unknown}
}

func (s *Server) aggregatedRules(q request, h *Hub) any {
	filters, _ := q.in["Filters"].(map[string]any)
	out := []any{}
	for _, r := range h.Rules {
		r.Account = or(r.Account, s.world.Account)
		if filters["AccountId"] == r.Account && filters["AwsRegion"] == r.Region || s.world.Careless {
			out = append(out, map[string]any{"AccountId": r.Account, "AwsRegion": r.Region, "ConfigRuleName": r.Name, "Compliance": map[string]any{"ComplianceType": or(r.Compliance, "COMPLIANT")}})
		}
	}
	return map[string]any{"AggregateComplianceByConfigRules": out}
}
