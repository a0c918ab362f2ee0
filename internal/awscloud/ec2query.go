package awscloud

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ec2Version is the version of EC2's interface that is spoken.
const ec2Version = "2016-11-15"

// ec2 asks EC2 for one page, with its attempts, and decodes it into out. EC2's module in
// the SDK has seven hundred operations and takes a minute to compile; two calls are written
// out here instead (docs/decisions/0036). Errors are those the SDK would give.
func (c *cell) ec2(ctx context.Context, op string, params url.Values, out any) error {
	params.Set("Action", op)
	params.Set("Version", ec2Version)
	body, retries := params.Encode(), c.retryer()
	for attempt := 1; ; attempt++ {
		if !c.opts.Unlimited {
			if err := c.limiter("ec2").Wait(ctx); err != nil {
				return fmt.Errorf("wait for our own rate limit: %w", err)
			}
		}
		err := c.tryEC2(ctx, body, out)
		if err == nil || attempt == retries.MaxAttempts() || !retries.IsErrorRetryable(err) {
			return err
		}
		select {
		case <-time.After(backoff(attempt, c.opts.MaxBackoff)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *cell) tryEC2(ctx context.Context, body string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.ec2Endpoint(), strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	keys, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return &v4.SigningError{Err: fmt.Errorf("get credentials: %w", err)}
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "ec2", c.Region, time.Now()); err != nil {
		return &v4.SigningError{Err: err}
	}
	resp, err := c.cfg.HTTPClient.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK {
		err = xml.Unmarshal(raw, out)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: ec2Fault(raw)}}
	case err != nil:
		return &smithy.DeserializationError{Err: err, Snapshot: raw[:min(len(raw), 200)]}
	}
	return nil
}

// ec2Fault reads EC2's description of an error.
func ec2Fault(raw []byte) error {
	var doc struct {
		Errors []struct{ Code, Message string } `xml:"Errors>Error"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil || len(doc.Errors) == 0 {
		return &smithy.DeserializationError{Err: fmt.Errorf("an error without a code: %w", err)}
	}
	return &smithy.GenericAPIError{Code: doc.Errors[0].Code, Message: doc.Errors[0].Message}
}

// ec2Endpoint is where EC2 is: as configured, or the Region's own.
func (c *cell) ec2Endpoint() string {
	domain := "amazonaws.com"
	if partition(c.Region) == "aws-cn" {
		domain = "amazonaws.com.cn"
	}
	address := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_EC2"), aws.ToString(c.cfg.BaseEndpoint), "https://ec2."+c.Region+"."+domain)
	return strings.TrimSuffix(address, "/") + "/"
}
