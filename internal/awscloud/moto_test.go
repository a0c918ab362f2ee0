package awscloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"orrery/internal/awscloud"
	"orrery/internal/evidence"
	"orrery/internal/evidence/evidencetest"
)

// motoAccount is the account moto plays.
const motoAccount = "123456789012"

// moto starts moto's server, a third party's picture of AWS, and returns its address.
func moto(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("moto_server is not on the PATH")
		}
		t.Skip("not run: moto_server is not on the PATH")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get(address + "/moto-api/"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return address
		}
		if time.Now().After(end) {
			t.Fatal("moto_server does not answer")
		}
	}
}

// Against an AWS that we did not write: it ignores filters, so other people's findings come
// along, and it answers 500 to the compliance of rules.
func TestMoto(t *testing.T) {
	address := moto(t)
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", address)
	ctx := context.Background()
	c, err := awscloud.New(ctx, awscloud.Options{MaxAttempts: 2, MaxBackoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	h := evidencetest.New(t, motoAccount, eu)
	suppressed := check(evidence.ControlSource, "RDS.3", "all_pass", "resource")
	silent := check(evidence.ControlSource, "EC2.7", "all_pass", "account")
	h.Publish(buckets, suppressed, silent, trail, recorder, rule)
	h.Work(t, c)

	run := h.Collect(t)
	expect(t, h.Verdict(t, buckets), evidence.CannotTell, "off")
	expect(t, h.Verdict(t, trail), evidence.Contradicts, "", "There is no CloudTrail trail")
	expect(t, h.Verdict(t, recorder), evidence.Contradicts, "", "no Config recorder of your own")
	if run.State != evidence.Incomplete {
		t.Errorf("the run on an empty account is %s: %s", run.State, said(run))
	}

	furnishMoto(t, address)
	run = h.Collect(t)
	expect(t, h.Verdict(t, buckets), evidence.Mixed, "some_fail", "1 of 2 resources fails.")
	expect(t, h.Verdict(t, suppressed), evidence.CannotTell, "only_suppressed")
	expect(t, h.Verdict(t, silent), evidence.CannotTell, "too_early")                                                 // and no pass by absence
	expect(t, h.Verdict(t, recorder), evidence.Contradicts, "", "no Config recorder", "its answer could not be read") // moto tells of no delivery, so what failed stands
	if v := h.Verdict(t, rule); v.Verdict != evidence.CannotTell || v.Reason != "partial" {
		t.Errorf("a rule that moto does not answer for: %+v; %s", v, said(run))
	}
	expect(t, h.Verdict(t, trail), evidence.Supports, "")
	for _, f := range h.Facts(t, evidence.FactFilter{Source: evidence.ControlSource}) {
		if f.Resource == "arn:aws:s3:::theirs" || f.Resource == "arn:aws:s3:::guarded" {
			t.Errorf("%s is none of ours", f.Resource)
		}
	}
}

// furnishMoto makes a trail, a recorder, a rule and findings.
func furnishMoto(t *testing.T, address string) {
	t.Helper()
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(eu))
	if err != nil {
		t.Fatal(err)
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	req, err := http.NewRequest(http.MethodPut, address+"/logs-of-moto", bytes.NewReader(nil))
	must("bucket", err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	must("bucket", err)
	_ = resp.Body.Close()
	ct := cloudtrail.NewFromConfig(cfg)
	_, err = ct.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("audit"), S3BucketName: aws.String("logs-of-moto"), IsMultiRegionTrail: aws.Bool(true)})
	must("trail", err)
	_, err = ct.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("audit")})
	must("start logging", err)

	cs := configservice.NewFromConfig(cfg)
	_, err = cs.PutConfigurationRecorder(ctx, &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: &configtypes.ConfigurationRecorder{
		Name: aws.String("default"), RoleARN: aws.String("arn:aws:iam::123456789012:role/config"), RecordingGroup: &configtypes.RecordingGroup{AllSupported: true}}})
	must("recorder", err)
	_, err = cs.PutDeliveryChannel(ctx, &configservice.PutDeliveryChannelInput{DeliveryChannel: &configtypes.DeliveryChannel{Name: aws.String("default"), S3BucketName: aws.String("logs-of-moto")}})
	must("delivery channel", err)
	_, err = cs.StartConfigurationRecorder(ctx, &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: aws.String("default")})
	must("start recorder", err)
	_, err = cs.PutConfigRule(ctx, &configservice.PutConfigRuleInput{ConfigRule: &configtypes.ConfigRule{ConfigRuleName: aws.String("root-mfa"),
		Source: &configtypes.Source{Owner: configtypes.OwnerAws, SourceIdentifier: aws.String("ROOT_ACCOUNT_MFA_ENABLED")}}})
	must("rule", err)

	sh := securityhub.NewFromConfig(cfg)
	_, err = sh.EnableSecurityHub(ctx, &securityhub.EnableSecurityHubInput{})
	must("enable", err)
	own, guard := "arn:aws:securityhub:eu-west-1::product/aws/securityhub", "arn:aws:securityhub:eu-west-1::product/aws/guardduty"
	out, err := sh.BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{
		motoFinding("1", motoAccount, own, "S3.1", "arn:aws:s3:::mine", types.ComplianceStatusPassed, types.WorkflowStatusResolved),
		motoFinding("2", motoAccount, own, "S3.1", "arn:aws:s3:::open", types.ComplianceStatusFailed, types.WorkflowStatusNew),
		motoFinding("3", "999999999999", own, "S3.1", "arn:aws:s3:::theirs", types.ComplianceStatusFailed, types.WorkflowStatusNew),
		motoFinding("4", motoAccount, guard, "S3.1", "arn:aws:s3:::guarded", types.ComplianceStatusFailed, types.WorkflowStatusNew),
		motoFinding("5", motoAccount, own, "RDS.3", "arn:aws:rds:::db", types.ComplianceStatusFailed, types.WorkflowStatusSuppressed),
		motoFinding("6", motoAccount, own, "RDS.9", "arn:aws:rds:::db", types.ComplianceStatusFailed, types.WorkflowStatusNew),
	}})
	must("import findings", err)
	if n := aws.ToInt32(out.FailedCount); n != 0 {
		failed, _ := json.Marshal(out.FailedFindings)
		t.Fatalf("%d findings were not imported: %s", n, failed)
	}
}

func motoFinding(id, account, product, control, resource string, status types.ComplianceStatus, workflow types.WorkflowStatus) types.AwsSecurityFinding {
	at := time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05.000Z")
	return types.AwsSecurityFinding{
		Id: aws.String("finding-" + id), AwsAccountId: aws.String(account), ProductArn: aws.String(product), SchemaVersion: aws.String("2018-10-08"),
		GeneratorId: aws.String("security-control/" + control), Types: []string{"Software and Configuration Checks"}, Region: aws.String(eu),
		CreatedAt: aws.String(at), UpdatedAt: aws.String(at), Title: aws.String(strings.ToLower(control)), Description: aws.String("a finding"),
		Severity: &types.Severity{Label: types.SeverityLabelMedium}, RecordState: types.RecordStateActive, Workflow: &types.Workflow{Status: workflow},
		Compliance: &types.Compliance{Status: status, SecurityControlId: aws.String(control)},
		Resources:  []types.Resource{{Id: aws.String(resource), Type: aws.String("AwsS3Bucket")}},
	}
}
