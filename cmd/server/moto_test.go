package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// motoAccount is the account that moto plays.
const motoAccount = "123456789012"

// startMoto runs moto_server with an account in which a trail logs, the recorder records,
// and Security Hub says that CloudTrail.1 fails. Where it is not on the PATH the test says
// so by name; in CI it must run.
func startMoto(t *testing.T) (endpoint string) {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("moto_server is not on the PATH, and in CI this test must run")
		}
		t.Skip("not run: moto_server is not on the PATH")
	}
	addr := freeAddress(t)
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command(path, "-H", host, "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	endpoint = "http://" + addr
	for range 300 {
		if resp, err := http.Get(endpoint); err == nil {
			_ = resp.Body.Close()
			seedMoto(t, endpoint)
			return endpoint
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("moto_server does not answer")
	return ""
}

// seedMoto speaks the services' own wire: moto reads service and Region from the signature
// and does not check it.
func seedMoto(t *testing.T, endpoint string) {
	t.Helper()
	const trail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."
	finding := fmt.Sprintf(`{"Findings":[{"SchemaVersion":"2018-10-08","Id":"finding-1","ProductArn":"arn:aws:securityhub:us-east-1::product/aws/securityhub",
		"GeneratorId":"security-control/CloudTrail.1","AwsAccountId":%[1]q,"CreatedAt":%[2]q,"UpdatedAt":%[2]q,"Types":["Software and Configuration Checks"],
		"Severity":{"Label":"HIGH"},"Title":"A trail covers every Region","Description":"x","Resources":[{"Type":"AwsAccount","Id":"AWS::::Account:%[1]s"}],
		"Compliance":{"Status":"FAILED","SecurityControlId":"CloudTrail.1"},"Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}]}`,
		motoAccount, time.Now().UTC().Format(time.RFC3339))
	for _, call := range []struct{ service, method, path, target, body string }{
		{"securityhub", "POST", "/accounts", "", "{}"},
		{"securityhub", "POST", "/findings/import", "", finding},
		{"s3", "PUT", "/trail-bucket", "", ""},
		{"cloudtrail", "POST", "/", trail + "CreateTrail", `{"Name":"main","S3BucketName":"trail-bucket","IsMultiRegionTrail":true}`},
		{"cloudtrail", "POST", "/", trail + "StartLogging", `{"Name":"main"}`},
		{"config", "POST", "/", "StarlingDoveService.PutConfigurationRecorder", `{"ConfigurationRecorder":{"name":"default","roleARN":"arn:aws:iam::123456789012:role/config"}}`},
		{"config", "POST", "/", "StarlingDoveService.PutDeliveryChannel", `{"DeliveryChannel":{"name":"default","s3BucketName":"trail-bucket"}}`},
		{"config", "POST", "/", "StarlingDoveService.StartConfigurationRecorder", `{"ConfigurationRecorderName":"default"}`},
	} {
		req, err := http.NewRequest(call.method, endpoint+call.path, strings.NewReader(call.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/"+call.service+"/aws4_request, SignedHeaders=host, Signature=x")
		req.Header.Set("Content-Type", "application/json")
		if call.target != "" {
			req.Header.Set("X-Amz-Target", call.target)
			req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode >= 300 {
			t.Fatalf("moto: %s %s: %d %s", call.service, call.target, resp.StatusCode, answer)
		}
	}
}
