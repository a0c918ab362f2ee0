package awscloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"orrery/internal/evidence"
)

// observe turns a finding into facts, one for each of its resources; none when it is not
// what was asked for. The server filters too, but a pass of somebody else's would be the
// worst mistake to make here.
func (h *hub) observe(ctx context.Context, f *types.AwsSecurityFinding, asked []string) []evidence.Observation {
	control := controlOf(f)
	region := aws.ToString(f.Region)
	if !slices.Contains(asked, control) || aws.ToString(f.AwsAccountId) != h.own.Account ||
		aws.ToString(f.ProductArn) != h.productID || region != "" && region != h.own.Region ||
		f.RecordState == types.RecordStateArchived {
		return nil
	}
	h.answered[control] = true
	o := evidence.Observation{Control: control, Origin: aws.ToString(f.Id), Title: aws.ToString(f.Title), ObservedAt: observedAt(f)}
	if s := h.settings[control]; s.title != "" {
		o.Title = s.title
	}
	o.State, o.Reason = judgeFinding(f)
	if o.State == evidence.Unknown {
		o.Title = fmt.Sprintf("Security Hub has a finding of %s in %s but could not evaluate it: %s.", control, h.own.Cell, inWords(o.Reason))
	}
	if control == "Config.1" && o.State == evidence.Pass {
		h.doubt(ctx, &o)
	}
	o.Detail = document(f, h.settings[control].severity, h.seenAt)
	resources := f.Resources
	if len(resources) == 0 {
		resources = []types.Resource{{Id: aws.String(evidence.AccountResource(h.own.Account))}}
	}
	out := make([]evidence.Observation, 0, len(resources))
	for _, r := range resources {
		one := o
		one.Resource, one.ApplicationARN, one.Tags = aws.ToString(r.Id), aws.ToString(r.ApplicationArn), tagList(r.Tags)
		if one.Resource == "" {
			one.Resource = evidence.AccountResource(h.own.Account)
		}
		out = append(out, one)
	}
	return out
}

// doubt checks a pass of Config.1 against the recorder itself: with Security Hub's second
// version on, which brings a recorder of its own, that control always passes.
func (h *hub) doubt(ctx context.Context, o *evidence.Observation) {
	r := h.own.readDelivery(ctx)
	if r.state == evidence.Pass {
		return
	}
	o.State, o.Reason = r.state, r.reason
	o.Title = "Security Hub passes Config.1, but the recorder itself says otherwise. " + r.sentence
}

// judgeFinding says what a finding proves.
func judgeFinding(f *types.AwsSecurityFinding) (evidence.FactState, string) {
	var status types.ComplianceStatus
	var reasons []string
	if f.Compliance != nil {
		status = f.Compliance.Status
		for _, r := range f.Compliance.StatusReasons {
			reasons = append(reasons, aws.ToString(r.ReasonCode))
		}
	}
	reason := strings.Join(reasons, ", ")
	switch {
	case status == types.ComplianceStatusPassed && slices.Contains(reasons, "CONFIG_EVALUATIONS_EMPTY"):
		return evidence.NotApplicable, evidence.Vacuous
	case f.Workflow != nil && f.Workflow.Status == types.WorkflowStatusSuppressed:
		return evidence.Suppressed, reason
	case status == types.ComplianceStatusPassed && reason == "":
		return evidence.Pass, ""
	case status == types.ComplianceStatusFailed:
		return evidence.Fail, reason
	case reason == "":
		return evidence.Unknown, evidence.NotEvaluated
	}
	return evidence.Unknown, reason // WARNING, NOT_AVAILABLE, or a pass with a proviso
}

// controlOf is the control's id. Findings that are made for each standard may carry it
// only at the end of their generator's name.
func controlOf(f *types.AwsSecurityFinding) string {
	if f.Compliance != nil && aws.ToString(f.Compliance.SecurityControlId) != "" {
		return *f.Compliance.SecurityControlId
	}
	generator := aws.ToString(f.GeneratorId)
	return generator[strings.LastIndexByte(generator, '/')+1:]
}

// observedAt is when Security Hub last looked; the beginning of time when it does not say.
func observedAt(f *types.AwsSecurityFinding) time.Time {
	latest := time.Unix(0, 0).UTC()
	for _, s := range []*string{f.UpdatedAt, f.LastObservedAt} {
		if t, err := time.Parse(time.RFC3339, aws.ToString(s)); err == nil && t.After(latest) {
			latest = t
		}
	}
	return latest
}

func tagList(tags map[string]string) []string {
	out := make([]string, 0, len(tags))
	for k, v := range tags {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// statusReasons puts AWS's own status reasons into words.
var statusReasons = map[string]string{
	"CONFIG_ACCESS_DENIED":                 "AWS Config was denied access to what it should evaluate",
	"CONFIG_RULE_EVALUATION_ERROR":         "the Config rule behind it failed",
	"CONFIG_RULE_NOT_FOUND":                "the Config rule behind it is missing",
	"CONFIG_RETURNS_NOT_APPLICABLE":        "the Config rule behind it says that it does not apply",
	"CONFIG_EVALUATIONS_EMPTY":             "there was nothing to evaluate",
	"THROTTLING_ERROR":                     "AWS throttled its own evaluation",
	"S3_BUCKET_CROSS_ACCOUNT_CROSS_REGION": "the log bucket is in another account or Region",
	"SNS_TOPIC_CROSS_ACCOUNT":              "the topic is in another account",
	evidence.NotEvaluated:                  "it gives no reason",
}

func inWords(reasons string) string {
	var parts []string
	for _, code := range strings.Split(reasons, ", ") {
		if w, ok := statusReasons[code]; ok {
			parts = append(parts, w)
		} else {
			parts = append(parts, "AWS gives the reason "+oneLine(code))
		}
	}
	return strings.Join(parts, "; ")
}

// document is the finding as it is kept beside the fact: as Security Hub writes it, without
// empty members. Where it is too large the resource's details go first, then all but the
// core; a note says so.
func document(f *types.AwsSecurityFinding, severity, seenAt string) json.RawMessage {
	if doc, fits := whole(f, severity, seenAt); fits {
		return doc
	}
	full := prune(f)
	if resources, ok := full["Resources"].([]any); ok {
		for _, r := range resources {
			if m, ok := r.(map[string]any); ok {
				delete(m, "Details")
			}
		}
	}
	if doc := wrap(full, severity, seenAt, "The details of the resource were cut: the finding is larger than 10 KB."); len(doc) <= evidence.MaxDetail {
		return doc
	}
	core := map[string]any{}
	for _, k := range []string{"Id", "AwsAccountId", "Region", "ProductArn", "UpdatedAt", "RecordState", "Compliance", "Workflow"} {
		if v, ok := full[k]; ok {
			core[k] = v
		}
	}
	if doc := wrap(core, severity, seenAt, "Only the core is kept: the finding is larger than 10 KB."); len(doc) <= evidence.MaxDetail {
		return doc
	}
	return wrap(nil, severity, seenAt, "Nothing is kept: the finding is larger than 10 KB.")
}

// whole is the document of a finding that is not too large.
func whole(f *types.AwsSecurityFinding, severity, seenAt string) (doc json.RawMessage, fits bool) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, false
	}
	doc = make(json.RawMessage, 0, 2<<10)
	doc = append(doc, '{')
	for _, m := range [][2]string{{`"control_severity":`, severity}, {`"seen_at":`, seenAt}} {
		if m[1] != "" {
			word, _ := json.Marshal(m[1]) // a text always marshals
			doc = append(append(append(doc, m[0]...), word...), ',')
		}
	}
	doc, _, some := pruned(append(doc, `"finding":`...), raw, 0)
	return append(doc, '}'), some && len(doc) < evidence.MaxDetail
}

func wrap(finding map[string]any, severity, seenAt, note string) json.RawMessage {
	doc := map[string]any{}
	for k, v := range map[string]string{"control_severity": severity, "seen_at": seenAt, "note": note} {
		if v != "" {
			doc[k] = v
		}
	}
	if finding != nil {
		doc["finding"] = finding
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return json.RawMessage(`{"note": "The finding could not be written as JSON."}`)
	}
	return out
}

// prune is v as JSON values without nulls and empty members.
func prune(v any) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil
	}
	pruned, _ := pruneValue(tree).(map[string]any)
	return pruned
}

func pruneValue(v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
	case []any:
		var out []any
		for _, e := range x {
			if p := pruneValue(e); p != nil {
				out = append(out, p)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case map[string]any:
		for k, e := range x {
			if p := pruneValue(e); p == nil {
				delete(x, k)
			} else {
				x[k] = p
			}
		}
		if len(x) == 0 {
			return nil
		}
	}
	return v
}
