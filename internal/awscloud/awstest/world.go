package awstest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// World is the one account that the endpoint plays.
type World struct {
	Account  string
	Own      string             // the account of keys that come from no role; Account when empty
	Roles    map[string]Role    // by ARN; AssumeRole is denied for others
	Regions  map[string]*Region // a Region that is not here is not enabled
	Careless bool               // GetFindings ignores its filters, as some emulators do
	Hub      *Hub               // what keys of Own see; nil: the same as keys of a role
}

// Role is a role of the account that Orrery may take.
type Role struct {
	ExternalID string // required, unless empty
}

// Region is what the account has in one Region.
type Region struct {
	HubOff      bool
	HubSince    time.Time
	PerStandard bool     // findings are made for each standard, not consolidated
	Standard    string   // status of the enabled standard: READY when empty
	Disabled    []string // controls that are disabled
	Unknown     []string // controls that Security Hub does not know
	Findings    []Finding
	Recorders   []Recorder
	Delivery    Delivery
	Rules       []Rule
	Trails      []Trail
	Events      []Event // CloudTrail's history, newest first
	Answers     Answers // of further services
}

// Finding is a control finding of Security Hub on one resource.
type Finding struct {
	ID          string
	Account     string // the world's account when empty
	Region      string // the Region it is listed in when empty
	Product     string // product ARN; Security Hub's own when empty
	Control     string
	Title       string
	Status      string // PASSED, FAILED, WARNING, NOT_AVAILABLE
	Reasons     []string
	Workflow    string // NEW when empty
	Archived    bool
	Resource    string // the account when empty
	Type        string
	Tags        map[string]string
	Application string
	UpdatedAt   time.Time
	Details     map[string]any // of the resource
}

// Recorder is a configuration recorder of AWS Config.
type Recorder struct {
	Name      string
	Service   string // the service principal of a service-linked recorder
	Stopped   bool
	Status    string // SUCCESS when empty
	ErrorCode string
}

// Delivery is the delivery channel of AWS Config; the zero value delivers history.
type Delivery struct {
	None      bool   // there is no channel
	History   string // last status: SUCCESS when empty
	Snapshot  string // NOT_APPLICABLE when empty
	ErrorCode string
}

// Rule is a Config rule.
type Rule struct {
	Name       string
	State      string      // ACTIVE when empty
	Compliance string      // COMPLIANT when empty
	Failing    []Evaluated // what is not compliant; the account itself when there is none
}

// Evaluated is a resource as a Config rule saw it.
type Evaluated struct{ Kind, ID, Annotation string }

// Trail is a CloudTrail trail.
type Trail struct {
	Name          string
	ARN           string // one in the Region when empty
	OneRegion     bool
	Organization  bool
	Stopped       bool
	Unvalidated   bool // it does not validate its log files
	DigestError   string
	DeliveryError string
	DeliveredAt   time.Time        // zero: never
	Selectors     []map[string]any // as AWS writes them; all management events when empty
	Advanced      []map[string]any
}

const (
	apiTime  = "2006-01-02T15:04:05.000Z"
	pageSize = 100
)

// answer plays the right answer. The caller holds the lock.
func (s *Server) answer(q request) (any, *Fault) {
	region := s.world.Regions[q.Region]
	if region == nil {
		if q.Op == "GetCallerIdentity" {
			return nil, &Fault{Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid"}
		}
		return nil, &Fault{Status: 403, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
	}
	if s.world.Hub != nil && s.accountOf(q) == s.world.Own && (q.Service == "securityhub" || q.Service == "config") {
		return s.hubAnswer(q)
	}
	if q.Service == "securityhub" && region.HubOff {
		return nil, &Fault{Status: 401, Code: "InvalidAccessException", Message: "Account " + s.world.Account + " is not subscribed to AWS Security Hub"}
	}
	if out, ok := region.Answers[q.Op]; ok {
		return out(q.in)
	}
	switch q.Op {
	case "AssumeRole":
		return s.assumeRole(q)
	case "GetCallerIdentity":
		return fmt.Sprintf(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::%[1]s:role/orrery</Arn><UserId>AROA</UserId><Account>%[1]s</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`, s.accountOf(q)), nil
	case "DescribeHub":
		return s.describeHub(q, region), nil
	case "GetEnabledStandards":
		return map[string]any{"StandardsSubscriptions": []any{map[string]any{
			"StandardsArn":             "arn:aws:securityhub:" + q.Region + "::standards/aws-foundational-security-best-practices/v/1.0.0",
			"StandardsSubscriptionArn": "arn:aws:securityhub:" + q.Region + ":" + s.world.Account + ":subscription/aws-foundational-security-best-practices/v/1.0.0",
			"StandardsInput":           map[string]any{}, "StandardsStatus": or(region.Standard, "READY")}}}, nil
	case "BatchGetSecurityControls":
		return batchGetSecurityControls(q, region), nil
	case "GetFindings":
		return s.getFindings(q, region)
	case "DescribeConfigurationRecorders", "DescribeConfigurationRecorderStatus", "DescribeDeliveryChannelStatus", "DescribeConfigRules", "DescribeComplianceByConfigRule", "GetComplianceDetailsByConfigRule":
		return configAnswer(q, s.world.Account, region)
	case "DescribeTrails", "GetTrailStatus", "GetEventSelectors":
		return trailAnswer(q, s.world.Account, region)
	case "LookupEvents":
		return lookupEvents(q, region)
	}
	return nil, &Fault{Code: "UnknownOperationException", Message: q.Service + " " + q.Op}
}

func (s *Server) describeHub(q request, r *Region) any {
	generator := "SECURITY_CONTROL"
	if r.PerStandard {
		generator = "STANDARD_CONTROL"
	}
	since := r.HubSince
	if since.IsZero() {
		since = time.Now().AddDate(-1, 0, 0)
	}
	return map[string]any{"HubArn": "arn:aws:securityhub:" + q.Region + ":" + s.world.Account + ":hub/default",
		"SubscribedAt": since.UTC().Format(apiTime), "AutoEnableControls": true, "ControlFindingGenerator": generator}
}

func batchGetSecurityControls(q request, r *Region) any {
	var controls, unprocessed []any
	for _, id := range texts(q.in["SecurityControlIds"]) {
		if slices.Contains(r.Unknown, id) {
			unprocessed = append(unprocessed, map[string]any{"SecurityControlId": id, "ErrorCode": "RESOURCE_NOT_FOUND", "ErrorReason": "unknown control"})
			continue
		}
		status := "ENABLED"
		if slices.Contains(r.Disabled, id) {
			status = "DISABLED"
		}
		controls = append(controls, map[string]any{"SecurityControlId": id, "Title": "Control " + id, "Description": "Control " + id,
			"SecurityControlArn": "arn:aws:securityhub:" + q.Region + "::security-control/" + id, "RemediationUrl": "https://docs.aws.amazon.com/console/securityhub/" + id + "/remediation",
			"SeverityRating": "MEDIUM", "SecurityControlStatus": status})
	}
	return map[string]any{"SecurityControls": controls, "UnprocessedIds": unprocessed}
}

// getFindings filters and pages. A token holds only for the request it was given to, but
// for the token itself.
func (s *Server) getFindings(q request, r *Region) (any, *Fault) {
	token, _ := q.in["NextToken"].(string)
	delete(q.in, "NextToken")
	same, _ := json.Marshal(q.in) // came from JSON
	start := 0
	if token != "" {
		if s.tokens[token] != q.Region+string(same) {
			return nil, &Fault{Code: "InvalidInputException", Message: "Invalid NextToken: Input Query has changed"}
		}
		start, _ = strconv.Atoi(token[strings.LastIndexByte(token, '-')+1:])
	}
	filters, _ := q.in["Filters"].(map[string]any)
	var match []Finding
	for _, f := range r.Findings {
		if f = s.complete(f, q.Region); s.world.Careless || f.matches(filters) {
			match = append(match, f)
		}
	}
	size := pageSize
	if n, ok := q.in["MaxResults"].(float64); ok {
		size = int(n)
	}
	end := min(start+size, len(match))
	out := map[string]any{"Findings": []any{}}
	var findings []any
	for _, f := range match[min(start, end):end] {
		findings = append(findings, f.wire())
	}
	if findings != nil {
		out["Findings"] = findings
	}
	if end < len(match) {
		next := fmt.Sprintf("page-%d-%d", len(s.tokens), end)
		s.tokens[next] = q.Region + string(same)
		out["NextToken"] = next
	}
	return out, nil
}

// complete fills in what the world knows.
func (s *Server) complete(f Finding, region string) Finding {
	f.Account, f.Region = or(f.Account, s.world.Account), or(f.Region, region)
	f.Product = or(f.Product, "arn:aws:securityhub:"+f.Region+"::product/aws/securityhub")
	f.Resource = or(f.Resource, "AWS::::Account:"+f.Account)
	if f.UpdatedAt.IsZero() {
		f.UpdatedAt = time.Now().Add(-time.Hour).Truncate(time.Hour)
	}
	if f.ID == "" {
		f.ID = fmt.Sprintf("arn:aws:securityhub:%s:%s:security-control/%s/finding/%08x", region, f.Account, f.Control, hash(f.Control+f.Resource))
	}
	return f
}

func (f Finding) matches(filters map[string]any) bool {
	record := "ACTIVE"
	if f.Archived {
		record = "ARCHIVED"
	}
	for name, value := range map[string]string{"AwsAccountId": f.Account, "ComplianceSecurityControlId": f.Control, "ProductArn": f.Product, "RecordState": record, "Region": f.Region} {
		list, _ := filters[name].([]any)
		if len(list) > 0 && !slices.ContainsFunc(list, func(e any) bool {
			m, _ := e.(map[string]any)
			return m["Value"] == value && m["Comparison"] == "EQUALS"
		}) {
			return false
		}
	}
	for _, e := range list(filters["UpdatedAt"]) {
		m, _ := e.(map[string]any)
		at := f.UpdatedAt.UTC().Format(apiTime)
		start, _ := m["Start"].(string)
		end, _ := m["End"].(string)
		if at < start || at > end {
			return false
		}
	}
	return true
}

// wire is the finding as AWS writes it.
func (f Finding) wire() map[string]any {
	resource := map[string]any{"Id": f.Resource, "Type": or(f.Type, "AwsAccount"), "Region": f.Region, "Partition": "aws", "Tags": f.Tags}
	if f.Application != "" {
		resource["ApplicationArn"] = f.Application
	}
	if f.Details != nil {
		resource["Details"] = map[string]any{"Other": f.Details}
	}
	var reasons []any
	for _, r := range f.Reasons {
		reasons = append(reasons, map[string]any{"ReasonCode": r, "Description": r})
	}
	severity := "INFORMATIONAL"
	if f.Status == "FAILED" {
		severity = "MEDIUM"
	}
	state := "ACTIVE"
	if f.Archived {
		state = "ARCHIVED"
	}
	at := f.UpdatedAt.UTC().Format(apiTime)
	return map[string]any{
		"SchemaVersion": "2018-10-08", "Id": f.ID, "ProductArn": f.Product, "GeneratorId": "security-control/" + f.Control,
		"AwsAccountId": f.Account, "Region": f.Region, "CompanyName": "AWS", "ProductName": "Security Hub CSPM",
		"Types": []string{"Software and Configuration Checks/Industry and Regulatory Standards"}, "CreatedAt": at, "UpdatedAt": at, "FirstObservedAt": at, "LastObservedAt": at,
		"Title": or(f.Title, "Control "+f.Control), "Description": "What " + f.Control + " looks at.", "Severity": map[string]any{"Label": severity},
		"Compliance": map[string]any{"Status": f.Status, "SecurityControlId": f.Control, "StatusReasons": reasons},
		"Workflow":   map[string]any{"Status": or(f.Workflow, "NEW")}, "RecordState": state, "Resources": []any{resource},
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func list(v any) []any { l, _ := v.([]any); return l }

func texts(v any) []string {
	var out []string
	for _, e := range list(v) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Believable is a sound account with a trail and a recorder that work, in each of the Regions
// three resources for every control, and findings as accounts have them: most pass, some
// fail, one is suppressed. The same arguments give the same account.
func Believable(account string, regions, controls []string, tags map[string]string) World {
	w := World{Account: account, Regions: map[string]*Region{}}
	for _, region := range regions {
		r := &Region{
			Recorders: []Recorder{{Name: "default"}},
			Trails:    []Trail{{Name: "organisation-trail", ARN: "arn:aws:cloudtrail:" + regions[0] + ":" + account + ":trail/organisation-trail", DeliveredAt: time.Now().Add(-10 * time.Minute)}},
			Events:    []Event{{Name: "StartRestoreJob", Source: "backup.amazonaws.com", User: "restore-test", At: time.Now().Add(-20 * 24 * time.Hour)}},
			Answers:   Sound(account, region, tags),
		}
		for _, c := range controls {
			for n := range 3 {
				f := Finding{Control: c, Status: "PASSED", Workflow: "RESOLVED", Tags: maps.Clone(tags), Type: "Other",
					Resource: fmt.Sprintf("arn:aws:sample:%s:%s:resource/%s-%d", region, account, strings.ToLower(strings.ReplaceAll(c, ".", "-")), n+1)}
				switch h := hash(c+region) % 10; {
				case h == 0 && n < 2, h == 1 && n == 0:
					f.Status, f.Workflow = "FAILED", "NEW"
				case h == 2 && n == 0:
					f.Status, f.Workflow = "FAILED", "SUPPRESSED"
				}
				r.Findings = append(r.Findings, f)
			}
		}
		w.Regions[region] = r
	}
	return w
}
