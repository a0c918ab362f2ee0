package awscloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"orrery/internal/evidence"
)

const (
	controlsPerRequest = 20 // values of one filter attribute
	findingsPerPage    = 100
	settingsPerRequest = 100                        // controls of one BatchGetSecurityControls
	beginning          = "2015-01-01T00:00:00.000Z" // before Security Hub: a window needs a start
	settleTime         = 24 * time.Hour             // until a new Security Hub has looked at everything
)

// hub is the reading of Security Hub in one cell.
type hub struct {
	*cell                         // who is asked
	own       *cell               // whose facts these are: the same, unless the organisation's hub is asked
	seenAt    string              // the organisation's hub when it is asked
	findings  *securityhub.Client // GetFindings has a limit of its own
	others    *securityhub.Client
	since     time.Time // when Security Hub was enabled; zero when not known
	perCheck  bool      // one finding for each check (consolidated), so that a control id is always there
	settings  map[string]setting
	answered  map[string]bool // controls with at least one observation
	missing   string          // the first permission that extras lacked
	window    types.DateFilter
	productID string
}

// setting is how a control is set in the cell.
type setting struct {
	title    string
	severity string
	enabled  bool
	unknown  bool // Security Hub knows no such control
}

// readControls reads the findings of the controls, and for a control without any says why.
func (c *cell) readControls(ctx context.Context, controls []string) evidence.Outcome {
	h := c.newHub()
	if err := h.describe(ctx); err != nil {
		return c.explain(err).outcome("")
	}
	h.readSettings(ctx, controls)
	for batch := range slices.Chunk(controls, controlsPerRequest) {
		if err := h.readFindings(ctx, batch); err != nil {
			return c.explain(err).outcome("")
		}
	}
	if err := h.explainSilence(ctx, controls); err != nil {
		return c.explain(err).outcome("")
	}
	o := evidence.Outcome{Result: evidence.OK, Permission: h.missing}
	if h.missing != "" {
		o.Detail = fmt.Sprintf("All findings were read. Settings were not: access was denied to %s.", h.missing)
	}
	return o
}

func (c *cell) newHub() *hub {
	client := func(what string) *securityhub.Client {
		return securityhub.NewFromConfig(c.cfg, func(o *securityhub.Options) {
			o.Region, o.Retryer = c.Region, c.retryer()
			o.APIOptions = append(o.APIOptions, c.limit(what))
		})
	}
	end := c.now.Add(24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
	return &hub{
		cell: c, own: c, findings: client("securityhub:GetFindings"), others: client("securityhub"),
		settings: map[string]setting{}, answered: map[string]bool{},
		// Pinned once, and ending in the future: a page token holds only for the same
		// request, and a finding that changes while we read must not fall out of it.
		window:    types.DateFilter{Start: aws.String(beginning), End: aws.String(end)},
		productID: productARN(c.Region),
	}
}

// productARN is Security Hub itself in a Region: a finding keeps the one of where it was made.
func productARN(region string) string {
	return fmt.Sprintf("arn:%s:securityhub:%s::product/aws/securityhub", partition(region), region)
}

// describe asks whether Security Hub is on. Not being allowed to ask, or a failure of this
// call alone, is no obstacle: GetFindings says it too.
func (h *hub) describe(ctx context.Context) error {
	out, err := call(ctx, "securityhub:DescribeHub", h.cell, func(ctx context.Context) (*securityhub.DescribeHubOutput, error) {
		return h.others.DescribeHub(ctx, &securityhub.DescribeHubInput{})
	})
	if hasCode(err, "ResourceNotFoundException") {
		return &callError{"securityhub:DescribeHub", &types.InvalidAccessException{Message: aws.String("Security Hub is not enabled")}}
	}
	if err != nil {
		switch h.optional(err).result {
		case evidence.Denied, evidence.Error:
			return nil
		}
		return err
	}
	h.since, _ = time.Parse(time.RFC3339, aws.ToString(out.SubscribedAt))
	h.perCheck = out.ControlFindingGenerator == types.ControlFindingGeneratorSecurityControl
	return nil
}

// optional explains the failure of a call that only adds to the findings, and notes the
// first permission that was missing.
func (h *hub) optional(err error) refusal {
	r := h.explain(err)
	if r.result == evidence.Denied && h.missing == "" {
		h.missing = r.permission
	}
	return r
}

// readSettings reads status, title and severity of the controls where that is allowed.
// Whatever fails here, the findings are read all the same; a silent control is then unclear.
func (h *hub) readSettings(ctx context.Context, controls []string) {
	for batch := range slices.Chunk(controls, settingsPerRequest) {
		out, err := call(ctx, "securityhub:BatchGetSecurityControls", h.cell, func(ctx context.Context) (*securityhub.BatchGetSecurityControlsOutput, error) {
			return h.others.BatchGetSecurityControls(ctx, &securityhub.BatchGetSecurityControlsInput{SecurityControlIds: batch})
		})
		if err != nil {
			h.optional(err)
			return
		}
		for _, s := range out.SecurityControls {
			h.settings[aws.ToString(s.SecurityControlId)] = setting{
				title: aws.ToString(s.Title), severity: string(s.SeverityRating),
				enabled: s.SecurityControlStatus == types.ControlStatusEnabled,
			}
		}
		for _, u := range out.UnprocessedIds {
			switch u.ErrorCode {
			case types.UnprocessedErrorCodeInvalidInput, types.UnprocessedErrorCodeNotFound, "RESOURCE_NOT_FOUND": // newer than the SDK
				h.settings[aws.ToString(u.SecurityControlId)] = setting{unknown: true}
			}
		}
	}
}

// readFindings reads every finding of up to twenty controls. A page token that died is met
// by one start from the first page.
func (h *hub) readFindings(ctx context.Context, controls []string) error {
	err := h.listFindings(ctx, controls)
	if hasCode(err, "InvalidInputException") && strings.Contains(strings.ToLower(err.Error()), "token") {
		err = h.listFindings(ctx, controls)
	}
	return err
}

func (h *hub) listFindings(ctx context.Context, controls []string) error {
	in := &securityhub.GetFindingsInput{Filters: h.filters(controls), MaxResults: aws.Int32(findingsPerPage)}
	return h.pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := call(ctx, "securityhub:GetFindings", h.cell, func(ctx context.Context) (*securityhub.GetFindingsOutput, error) {
			return h.findings.GetFindings(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		var batch []evidence.Observation
		for i := range out.Findings {
			batch = append(batch, h.observe(ctx, &out.Findings[i], controls)...)
		}
		if len(batch) == 0 {
			return out.NextToken, nil
		}
		return out.NextToken, h.own.emit(evidence.ControlSource, batch)
	})
}

// filters ask for active findings of the controls, made by the cell's own Security Hub, on its
// account and Region, last updated in the pinned window.
func (h *hub) filters(controls []string) *types.AwsSecurityFindingFilters {
	equals := func(values ...string) []types.StringFilter {
		out := make([]types.StringFilter, 0, len(values))
		for _, v := range values {
			out = append(out, types.StringFilter{Comparison: types.StringFilterComparisonEquals, Value: aws.String(v)})
		}
		return out
	}
	f := &types.AwsSecurityFindingFilters{
		AwsAccountId:                equals(h.own.Account),
		ComplianceSecurityControlId: equals(controls...),
		ProductArn:                  equals(h.productID),
		RecordState:                 equals(string(types.RecordStateActive)),
		UpdatedAt:                   []types.DateFilter{h.window},
	}
	if h.seenAt != "" { // a home Region holds the findings of others
		f.Region = equals(h.own.Region)
	}
	return f
}

// explainSilence emits, for each control without a finding, one observation on the account
// that says why there is none.
func (h *hub) explainSilence(ctx context.Context, controls []string) error {
	var silent []string
	for _, c := range controls {
		if !h.answered[c] {
			silent = append(silent, c)
		}
	}
	if len(silent) == 0 {
		return nil
	}
	ready, known := h.standardReady(ctx)
	var batch []evidence.Observation
	for _, c := range silent {
		o := evidence.Observation{Control: c, Resource: evidence.AccountResource(h.Account), State: evidence.Unknown, ObservedAt: h.now}
		o.Reason, o.Title = h.whySilent(c, ready, known)
		if o.Reason == evidence.NoFinding {
			o.State = evidence.NotApplicable
		}
		batch = append(batch, o)
	}
	return h.emit(evidence.ControlSource, batch)
}

// whySilent is the reason and the sentence for a control that has no finding.
func (h *hub) whySilent(control string, ready, readyKnown bool) (reason, sentence string) {
	s, known := h.settings[control]
	switch {
	case known && s.unknown:
		return evidence.ControlUnknown, fmt.Sprintf("Security Hub knows no control %s in %s.", control, h.Cell)
	case known && !s.enabled:
		return evidence.ControlDisabled, fmt.Sprintf("The control %s is disabled in Security Hub in %s.", control, h.Cell)
	case readyKnown && !ready:
		return evidence.StandardNotReady, fmt.Sprintf("No standard of Security Hub is ready in %s, so %s is not evaluated.", h.Cell, control)
	case !h.since.IsZero() && h.now.Sub(h.since) < settleTime:
		return evidence.TooEarly, fmt.Sprintf("Security Hub was enabled less than a day ago in %s and has not said anything on %s yet.", h.Cell, control)
	case known && readyKnown && h.perCheck:
		return evidence.NoFinding, fmt.Sprintf("The control %s is on in %s and Security Hub holds no finding of it: there is nothing of the kind.", control, h.Cell)
	}
	return evidence.NoFindingUnclear, fmt.Sprintf("Security Hub holds no finding of %s in %s, and why could not be read.", control, h.Cell)
}

// standardReady reports whether any enabled standard is ready; known is false when that
// could not be read.
func (h *hub) standardReady(ctx context.Context) (ready, known bool) {
	in := &securityhub.GetEnabledStandardsInput{MaxResults: aws.Int32(100)}
	err := h.pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := call(ctx, "securityhub:GetEnabledStandards", h.cell, func(ctx context.Context) (*securityhub.GetEnabledStandardsOutput, error) {
			return h.others.GetEnabledStandards(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, s := range out.StandardsSubscriptions {
			ready = ready || s.StandardsStatus == types.StandardsStatusReady
		}
		return out.NextToken, nil
	})
	var end endless
	if err != nil && !errors.As(err, &end) {
		h.optional(err)
		return false, false
	}
	return ready, true
}
