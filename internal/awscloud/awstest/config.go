package awstest

import (
	"fmt"
	"slices"
	"time"
)

const rulesPerPage = 25

// configAnswer plays AWS Config.
func configAnswer(q request, account string, r *Region) (any, *Fault) {
	switch q.Op {
	case "DescribeConfigurationRecorders":
		out := []any{}
		for _, rec := range r.Recorders {
			m := map[string]any{"name": rec.Name, "roleARN": "arn:aws:iam::" + account + ":role/config", "recordingGroup": map[string]any{"allSupported": true}}
			if rec.Service != "" {
				m["servicePrincipal"] = rec.Service
			}
			out = append(out, m)
		}
		return map[string]any{"ConfigurationRecorders": out}, nil
	case "DescribeConfigurationRecorderStatus":
		out := []any{}
		for _, rec := range r.Recorders {
			m := map[string]any{"name": rec.Name, "recording": !rec.Stopped, "lastStatus": or(rec.Status, "SUCCESS"), "lastStatusChangeTime": float64(time.Now().Add(-time.Hour).Unix())}
			if rec.ErrorCode != "" {
				m["lastErrorCode"] = rec.ErrorCode
			}
			if rec.Service != "" {
				m["servicePrincipal"] = rec.Service
			}
			out = append(out, m)
		}
		return map[string]any{"ConfigurationRecordersStatus": out}, nil
	case "DescribeDeliveryChannelStatus":
		return deliveryStatus(r.Delivery), nil
	case "DescribeConfigRules":
		return describeRules(q, account, r), nil
	case "GetComplianceDetailsByConfigRule":
		i := slices.IndexFunc(r.Rules, func(rule Rule) bool { return rule.Name == q.in["ConfigRuleName"] })
		if i < 0 {
			return nil, &Fault{Code: "NoSuchConfigRuleException", Message: "The ConfigRule is invalid."}
		}
		return details(q, r.Rules[i].Name, account, r.Rules[i].Failing, "EvaluationResults"), nil
	}
	return compliance(q, r)
}

func describeRules(q request, account string, r *Region) any {
	start := 0
	if token, ok := q.in["NextToken"].(string); ok {
		_, _ = fmt.Sscanf(token, "rules-%d", &start)
	}
	out := []any{}
	end := min(start+rulesPerPage, len(r.Rules))
	for _, rule := range r.Rules[min(start, end):end] {
		out = append(out, map[string]any{"ConfigRuleName": rule.Name, "ConfigRuleState": or(rule.State, "ACTIVE"),
			"ConfigRuleArn": fmt.Sprintf("arn:aws:config:%s:%s:config-rule/config-rule-%08x", q.Region, account, hash(rule.Name)),
			"Source":        map[string]any{"Owner": "AWS", "SourceIdentifier": "SAMPLE"}})
	}
	answer := map[string]any{"ConfigRules": out}
	if end < len(r.Rules) {
		answer["NextToken"] = fmt.Sprintf("rules-%d", end)
	}
	return answer
}

func compliance(q request, r *Region) (any, *Fault) {
	names := texts(q.in["ConfigRuleNames"])
	out := []any{}
	for _, name := range names {
		i := slices.IndexFunc(r.Rules, func(rule Rule) bool { return rule.Name == name })
		if i < 0 {
			return nil, &Fault{Code: "NoSuchConfigRuleException", Message: "The ConfigRule '" + name + "' provided in the request is invalid."}
		}
		out = append(out, map[string]any{"ConfigRuleName": name, "Compliance": map[string]any{"ComplianceType": or(r.Rules[i].Compliance, "COMPLIANT")}})
	}
	return map[string]any{"ComplianceByConfigRules": out}, nil
}

// deliveryStatus is the status of the account's one channel, which makes no snapshots unless
// it says so.
func deliveryStatus(d Delivery) any {
	if d.None {
		return map[string]any{"DeliveryChannelsStatus": []any{}}
	}
	info := func(status, code string) map[string]any {
		m := map[string]any{"lastStatus": status}
		if status != "NOT_APPLICABLE" {
			m["lastAttemptTime"] = float64(time.Now().Add(-time.Hour).Unix())
		}
		if status == "SUCCESS" {
			m["lastSuccessfulTime"] = m["lastAttemptTime"]
		}
		if code != "" && status == "FAILURE" {
			m["lastErrorCode"] = code
		}
		return m
	}
	return map[string]any{"DeliveryChannelsStatus": []any{map[string]any{"name": "default",
		"configHistoryDeliveryInfo": info(or(d.History, "SUCCESS"), d.ErrorCode), "configSnapshotDeliveryInfo": info(or(d.Snapshot, "NOT_APPLICABLE"), d.ErrorCode)}}}
}

// details pages what is not compliant, ten a page unless more is asked for.
func details(q request, rule, account string, failing []Evaluated, field string) map[string]any {
	if len(failing) == 0 {
		failing = []Evaluated{{Kind: "AWS::::Account", ID: account}}
	}
	start, size := 0, 10
	if token, ok := q.in["NextToken"].(string); ok {
		_, _ = fmt.Sscanf(token, "details-%d", &start)
	}
	if n, ok := q.in["Limit"].(float64); ok && n > 0 {
		size = min(int(n), 100)
	}
	out := []any{}
	end := min(start+size, len(failing))
	for _, f := range failing[min(start, end):end] {
		m := map[string]any{"ComplianceType": "NON_COMPLIANT", "ResultRecordedTime": float64(time.Now().Add(-40 * 24 * time.Hour).Unix()),
			"AccountId": account, "AwsRegion": q.Region,
			"EvaluationResultIdentifier": map[string]any{"EvaluationResultQualifier": map[string]any{"ConfigRuleName": rule, "ResourceType": f.Kind, "ResourceId": f.ID}}}
		if f.Annotation != "" {
			m["Annotation"] = f.Annotation
		}
		out = append(out, m)
	}
	answer := map[string]any{field: out}
	if end < len(failing) {
		answer["NextToken"] = fmt.Sprintf("details-%d", end)
	}
	return answer
}
