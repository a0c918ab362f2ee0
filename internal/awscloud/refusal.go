package awscloud

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"orrery/internal/evidence"
)

// refusal is a failed call in the words of the ledger.
type refusal struct {
	result     evidence.Result
	detail     string // a whole sentence
	permission string
}

func (r refusal) outcome(source string) evidence.Outcome {
	return evidence.Outcome{Source: source, Result: r.result, Detail: r.detail, Permission: r.permission}
}

// serviceNames are what people call the services.
var serviceNames = map[string]string{
	"securityhub": "Security Hub", "config": "AWS Config", "cloudtrail": "CloudTrail", "sts": "AWS STS", "iam": "IAM",
	"account": "AWS Account Management", "cloudwatch": "CloudWatch", "ec2": "EC2", "rds": "RDS", "backup": "AWS Backup",
	"autoscaling": "Auto Scaling", "elasticloadbalancing": "Elastic Load Balancing", "tag": "The listing of tags",
	"wellarchitected": "The Well-Architected Tool",
}

var codes = map[string]evidence.Result{
	"AccessDenied":                              evidence.Denied,
	"AccessDeniedException":                     evidence.Denied,
	"UnauthorizedOperation":                     evidence.Denied,
	"NotAuthorized":                             evidence.Denied,
	"AuthorizationError":                        evidence.Denied,
	"OrganizationAccessDeniedException":         evidence.Denied,
	"InsufficientPermissionsException":          evidence.Denied,
	"ExpiredToken":                              evidence.Expired,
	"ExpiredTokenException":                     evidence.Expired,
	"TokenRefreshRequired":                      evidence.Expired,
	"InvalidAccessException":                    evidence.Off, // Security Hub is not enabled
	"OptInRequired":                             evidence.Off,
	"SubscriptionRequiredException":             evidence.Off,
	"NoAvailableConfigurationRecorderException": evidence.Off,
	"NoAvailableConfigurationRecorder":          evidence.Off,
	"UnrecognizedClientException":               evidence.RegionOff, // or bad keys: identify tells
	"InvalidClientTokenId":                      evidence.RegionOff,
	"AuthFailure":                               evidence.RegionOff,
	"RegionDisabledException":                   evidence.RegionOff,
}

// explain puts a failed call into the words of the ledger. It is written for calls after
// identify, which has shown that the credentials are good.
func (c *cell) explain(err error) refusal {
	action := ""
	var ce *callError
	if errors.As(err, &ce) {
		action = ce.action
	}
	service, _, _ := strings.Cut(action, ":")
	name := serviceNames[service]
	var end endless
	if errors.As(err, &end) {
		return refusal{result: evidence.Partial, detail: fmt.Sprintf("Reading %s in %s was stopped: %s.", name, c.Cell, end.why)}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return c.unanswered(err, name)
	}
	result := codes[api.ErrorCode()]
	if isThrottle(err) {
		result = evidence.Throttled
	}
	switch result {
	case evidence.Denied:
		return c.denied(api, action)
	case evidence.Expired:
		return refusal{result: result, detail: fmt.Sprintf("The credentials expired while %s was read in %s.", name, c.Cell)}
	case evidence.Off:
		return refusal{result: result, detail: c.offSentence(api, name)}
	case evidence.RegionOff:
		return refusal{result: result, detail: fmt.Sprintf("The Region %s is not enabled in account %s.", c.Region, c.Account)}
	case evidence.Throttled:
		return refusal{result: result, detail: fmt.Sprintf("%s kept answering that there were too many requests in %s, %d times in a row.", name, c.Cell, c.opts.MaxAttempts)}
	}
	return refusal{result: evidence.Error, detail: c.errorSentence(err, api, name)}
}

// denied names the action that was refused, from the message when it says one.
func (c *cell) denied(api smithy.APIError, action string) refusal {
	if m := deniedAction.FindStringSubmatch(api.ErrorMessage()); m != nil {
		action = m[1]
	}
	detail := fmt.Sprintf("Access was denied to %s in %s.", action, c.Cell)
	if m := deniedBy.FindString(api.ErrorMessage()); m != "" {
		detail = strings.TrimSuffix(detail, ".") + ": a " + strings.ToLower(m) + " forbids it."
	}
	return refusal{result: evidence.Denied, detail: detail, permission: action}
}

var (
	deniedAction = regexp.MustCompile(`not authorized to perform: ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})`)
	deniedBy     = regexp.MustCompile(`(?i)service control policy|permissions boundary|session policy`)
)

func (c *cell) offSentence(api smithy.APIError, name string) string {
	if strings.HasPrefix(api.ErrorCode(), "NoAvailableConfigurationRecorder") {
		return fmt.Sprintf("AWS Config has no configuration recorder in %s.", c.Cell)
	}
	return fmt.Sprintf("%s is not enabled in %s.", name, c.Cell)
}

func (c *cell) errorSentence(err error, api smithy.APIError, name string) string {
	switch api.ErrorCode() {
	case "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed":
		return fmt.Sprintf("AWS refused the signature in %s (%s): the secret key or this machine's clock is wrong.", c.Cell, api.ErrorCode())
	}
	var resp *awshttp.ResponseError
	status := ""
	if errors.As(err, &resp) {
		status = fmt.Sprintf(" with status %d", resp.HTTPStatusCode())
	}
	return fmt.Sprintf("%s answered%s in %s: %s.", name, status, c.Cell, oneLine(api.ErrorCode()+" "+api.ErrorMessage()))
}

// unanswered explains a failure that is no answer of AWS.
func (c *cell) unanswered(err error, name string) refusal {
	var signing *v4.SigningError
	var de *smithy.DeserializationError
	sentence := "%s could not be reached in %s: the connection failed."
	switch {
	case errors.As(err, &signing), isNoCredentials(err):
		return refusal{result: evidence.Error, detail: "No AWS credentials were found. Start Orrery with a role, or with AWS_PROFILE or keys in its environment."}
	case errors.Is(err, errTooLarge):
		sentence = "%s sent an answer in %s that is larger than 32 MB; it was not read."
	case isServerError(err):
		sentence = "%s failed in %s, and its answer could not be read."
	case errors.As(err, &de):
		sentence = "%s sent an answer in %s that could not be read."
	case errors.Is(err, context.DeadlineExceeded):
		sentence = "%s did not answer in time in %s."
	}
	return refusal{result: evidence.Error, detail: fmt.Sprintf(sentence, name, c.Cell)}
}

func isNoCredentials(err error) bool {
	return strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "failed to refresh cached credentials") ||
		strings.Contains(err.Error(), "static credentials are empty")
}

// isThrottle uses the SDK's own list of codes.
func isThrottle(err error) bool {
	for _, t := range retry.DefaultThrottles {
		if t.IsErrorThrottle(err) == aws.TrueTernary {
			return true
		}
	}
	return false
}

// isServerError reports an answer of AWS with status 500 and above.
func isServerError(err error) bool {
	var resp *awshttp.ResponseError
	return errors.As(err, &resp) && resp.HTTPStatusCode() >= 500
}

func hasCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// oneLine makes text of AWS fit for a sentence.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return strings.TrimSuffix(s, ".")
}
