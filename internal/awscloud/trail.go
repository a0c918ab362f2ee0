package awscloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"orrery/internal/evidence"
)

// deliveryLimit is how old the newest log file of a working trail may be.
const deliveryLimit = 24 * time.Hour

// trail is one trail with what was found wrong and what could not be read.
type trail struct {
	name    string
	wrong   []string // "it is not logging"
	codes   []string // "not_logging", beside wrong
	unclear []string
	detail  map[string]any

	unvalidated string // why nobody could tell that its log files were changed; empty when one can
}

func (t *trail) fault(code, words string) {
	t.codes, t.wrong = append(t.codes, code), append(t.wrong, words)
}

func (c *cell) trails() *cloudtrail.Client {
	return cloudtrail.NewFromConfig(c.cfg, func(o *cloudtrail.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("cloudtrail"))
	})
}

// readTrail emits a fact on the account: whether at least one trail records the management
// events of all Regions and delivers them now. A trail that exists and is stopped is no
// pass. Where it is asked for, another fact says whether such a trail validates its log files.
func (c *cell) readTrail(ctx context.Context, ask evidence.Ask) evidence.Outcome {
	client := c.trails()
	list, err := call(ctx, "cloudtrail:DescribeTrails", c, func(ctx context.Context) (*cloudtrail.DescribeTrailsOutput, error) {
		return client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	})
	if err != nil {
		return c.explain(err).outcome("")
	}
	var trails []*trail
	var refused *refusal
	for _, t := range list.TrailList {
		one, r := c.inspect(ctx, client, t)
		if r != nil && r.result != evidence.Denied && r.result != evidence.Partial {
			return r.outcome("") // throttled, expired and the like: the next trail would meet it too
		}
		refused = cmp.Or(refused, r)
		trails = append(trails, one)
	}
	var facts []evidence.Observation
	unclear := false
	if ask.Trail {
		facts = append(facts, c.judgeTrails(trails))
	}
	if ask.Validated {
		facts = append(facts, c.judgeValidation(trails))
	}
	for _, o := range facts {
		unclear = unclear || o.State == evidence.Unknown
	}
	if err := c.emit(evidence.TrailSource, facts); err != nil {
		return stopped(err)
	}
	if unclear && refused != nil {
		return refused.outcome("")
	}
	return evidence.Outcome{Result: evidence.OK}
}

// inspect reads a trail's status and selectors by its full ARN: a bare name is not found
// for a trail of another Region or of the organisation. The refusal says what could not be
// read, nil when all was.
func (c *cell) inspect(ctx context.Context, client *cloudtrail.Client, t types.Trail) (*trail, *refusal) {
	arn := t.TrailARN
	out := &trail{name: cmp.Or(aws.ToString(t.Name), aws.ToString(arn))}
	out.detail = map[string]any{"name": out.name, "arn": aws.ToString(arn), "home_region": aws.ToString(t.HomeRegion),
		"multi_region": aws.ToBool(t.IsMultiRegionTrail), "organization": aws.ToBool(t.IsOrganizationTrail),
		"file_validation": aws.ToBool(t.LogFileValidationEnabled), "kms_key": aws.ToString(t.KmsKeyId)}
	if !aws.ToBool(t.LogFileValidationEnabled) {
		out.unvalidated = "it does not validate its log files"
	}
	if !aws.ToBool(t.IsMultiRegionTrail) {
		out.fault("one_region_only", "it covers one Region only")
	}
	status, err := call(ctx, "cloudtrail:GetTrailStatus", c, func(ctx context.Context) (*cloudtrail.GetTrailStatusOutput, error) {
		return client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: arn})
	})
	refused := c.trailRefusal(err, out, "whether it is logging")
	if err == nil {
		c.checkStatus(out, status)
	}
	if refused != nil && refused.result != evidence.Denied && refused.result != evidence.Partial {
		return out, refused
	}
	selectors, err := call(ctx, "cloudtrail:GetEventSelectors", c, func(ctx context.Context) (*cloudtrail.GetEventSelectorsOutput, error) {
		return client.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: arn})
	})
	refused = cmp.Or(refused, c.trailRefusal(err, out, "which events it records"))
	if err == nil {
		checkSelectors(out, selectors, aws.ToBool(t.HasCustomEventSelectors))
	}
	return out, refused
}

// trailRefusal notes what could not be read. A trail of the organisation may be hidden
// from a member: not found is then the same as denied.
func (c *cell) trailRefusal(err error, t *trail, what string) *refusal {
	if err == nil {
		return nil
	}
	t.unclear = append(t.unclear, what)
	r := c.explain(err)
	if hasCode(err, "TrailNotFoundException") || hasCode(err, "InvalidTrailNameException") || hasCode(err, "CloudTrailARNInvalidException") {
		r = refusal{result: evidence.Partial, detail: fmt.Sprintf("CloudTrail lists the trail %s in %s but does not show its state there.", t.name, c.Cell)}
	}
	return &r
}

func (c *cell) checkStatus(t *trail, s *cloudtrail.GetTrailStatusOutput) {
	t.detail["logging"] = aws.ToBool(s.IsLogging)
	t.detail["delivery_error"] = aws.ToString(s.LatestDeliveryError)
	t.detail["digest_error"], t.detail["last_digest"] = aws.ToString(s.LatestDigestDeliveryError), stamp(s.LatestDigestDeliveryTime)
	if e := aws.ToString(s.LatestDigestDeliveryError); e != "" && t.unvalidated == "" {
		t.unvalidated = fmt.Sprintf("its last digest file was not delivered (%s)", oneLine(e))
	}
	if !aws.ToBool(s.IsLogging) {
		t.fault("not_logging", "it is not logging")
	}
	if e := aws.ToString(s.LatestDeliveryError); e != "" {
		t.fault("delivery_error", fmt.Sprintf("its last delivery failed (%s)", oneLine(e)))
	}
	switch last := s.LatestDeliveryTime; {
	case last == nil:
		t.fault("never_delivered", "it has not delivered a log file yet")
	case c.now.Sub(*last) >= deliveryLimit:
		t.detail["last_delivery"] = last.UTC().Format(time.RFC3339)
		t.fault("late_delivery", "it last delivered a log file on "+last.UTC().Format("2 January 2006"))
	default:
		t.detail["last_delivery"] = last.UTC().Format(time.RFC3339)
	}
}

// checkSelectors looks for all management events, read and write, with no source left out.
// A trail without selectors of its own records them.
func checkSelectors(t *trail, s *cloudtrail.GetEventSelectorsOutput, custom bool) {
	var m management
	for _, e := range s.EventSelectors {
		if e.IncludeManagementEvents == nil || *e.IncludeManagementEvents {
			m.add(e.ReadWriteType != types.ReadWriteTypeWriteOnly, e.ReadWriteType != types.ReadWriteTypeReadOnly, e.ExcludeManagementEventSources)
		}
	}
	for _, a := range s.AdvancedEventSelectors {
		m.addAdvanced(a)
	}
	if len(s.EventSelectors)+len(s.AdvancedEventSelectors) == 0 && !custom {
		m.add(true, true, nil)
	}
	switch {
	case !m.read && !m.write:
		t.fault("no_management_events", "it records no management events")
	case !m.write:
		t.fault("no_write_events", "it leaves out management events that write")
	case !m.read:
		t.fault("no_read_events", "it leaves out management events that read")
	case len(m.excluded) > 0:
		slices.Sort(m.excluded)
		t.fault("sources_excluded", "it leaves out the management events of "+joinWords(slices.Compact(m.excluded)))
	}
}

// management is which management events the selectors of a trail take together.
type management struct {
	read, write bool
	excluded    []string
}

func (m *management) add(read, write bool, excluded []string) {
	m.read, m.write = m.read || read, m.write || write
	m.excluded = append(m.excluded, excluded...)
}

func (m *management) addAdvanced(a types.AdvancedEventSelector) {
	read, write, category := true, true, false
	var excluded []string
	for _, f := range a.FieldSelectors {
		switch aws.ToString(f.Field) {
		case "eventCategory":
			category = slices.Contains(f.Equals, "Management")
		case "readOnly":
			read, write = slices.Contains(f.Equals, "true"), slices.Contains(f.Equals, "false")
		case "eventSource", "eventName", "eventType", "userIdentity.arn", "sessionCredentialFromConsole":
			excluded = append(excluded, slices.Concat(f.NotEquals, f.NotStartsWith, f.NotEndsWith)...)
			if len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) > 0 {
				excluded = append(excluded, "what its selector does not name")
			}
		}
	}
	if category {
		m.add(read, write, excluded)
	}
}

// judgeTrails makes the one fact of all trails; it is unknown when a part that could not be
// read decides.
func (c *cell) judgeTrails(trails []*trail) (o evidence.Observation) {
	var documents []any
	var best *trail
	for _, t := range trails {
		if len(t.codes) > 0 {
			t.detail["wrong"] = strings.Join(t.codes, ", ")
		}
		documents = append(documents, t.detail)
		if best == nil || t.weight() < best.weight() {
			best = t
		}
	}
	o = evidence.Observation{Control: evidence.TrailKey, Resource: evidence.AccountResource(c.Account), State: evidence.Fail, ObservedAt: c.now,
		Detail: trailDocument(documents)}
	switch {
	case best == nil:
		o.Reason, o.Title = "no_trail", fmt.Sprintf("There is no CloudTrail trail in %s.", c.Cell)
	case len(best.wrong) > 0:
		o.Reason = strings.Join(best.codes, ", ")
		o.Title = fmt.Sprintf("No CloudTrail trail works fully in %s. The closest is %s: %s.", c.Cell, best.name, joinWords(best.wrong))
		if len(trails) == 1 {
			o.Title = fmt.Sprintf("The CloudTrail trail %s does not work fully in %s: %s.", best.name, c.Cell, joinWords(best.wrong))
		}
	case len(best.unclear) > 0:
		o.State, o.Reason = evidence.Unknown, evidence.TrailUnclear
		o.Title = fmt.Sprintf("Of the CloudTrail trail %s in %s it could not be read %s.", best.name, c.Cell, joinWords(best.unclear))
		return o
	default:
		o.State = evidence.Pass
		o.Title = fmt.Sprintf("The CloudTrail trail %s records all management events and delivers them, seen in %s.", best.name, c.Cell)
	}
	return o
}

// judgeValidation is judgeTrails where a trail that does not validate its log files has
// another fault: of a trail that does not work, validation proves nothing.
func (c *cell) judgeValidation(trails []*trail) evidence.Observation {
	strict := make([]*trail, 0, len(trails))
	for _, t := range trails {
		one := *t
		one.detail = maps.Clone(t.detail)
		one.codes, one.wrong = slices.Clone(t.codes), slices.Clone(t.wrong)
		if t.unvalidated != "" {
			one.fault("not_validated", t.unvalidated)
		}
		strict = append(strict, &one)
	}
	o := c.judgeTrails(strict)
	o.Control = evidence.ValidatedKey
	if o.State == evidence.Pass {
		o.Title = strings.Replace(o.Title, " and delivers them,", ", delivers them and validates its log files,", 1)
	}
	return o
}

// weight orders trails from working to far from it. One that is only unclear comes before
// one that is known not to work.
func (t *trail) weight() int {
	switch {
	case len(t.wrong) > 0:
		return 1 + len(t.wrong)
	case len(t.unclear) > 0:
		return 1
	}
	return 0
}

// trailDocument lists the trails, as many as fit.
func trailDocument(trails []any) json.RawMessage {
	doc := compact(map[string]any{"trails": trails})
	for n := len(trails) - 1; len(doc) > evidence.MaxDetail; n-- {
		doc = compact(map[string]any{"trails": trails[:n], "note": fmt.Sprintf("%d more trails were cut.", len(trails)-n)})
	}
	return doc
}
