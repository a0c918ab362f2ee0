package awscloud

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"orrery/internal/evidence"
)

// identify asks AWS whose credentials these are. It returns nil when they are the
// account's, otherwise why the cell is not read. Facts from one account never answer for
// another.
func (c *cell) identify(ctx context.Context) *refusal {
	account, err := c.callerAccount(ctx, c.Region)
	if err != nil {
		r := c.explain(err)
		if r.result == evidence.RegionOff {
			r = c.regionOrKeys(ctx)
		}
		return &r
	}
	if account != c.Account {
		return &refusal{result: evidence.WrongAccount, detail: fmt.Sprintf(
			"The credentials belong to account %s, not to %s. Nothing was read.", account, c.Account)}
	}
	return nil
}

// regionOrKeys tells a Region that is off from keys that AWS does not know: both get the
// same answer, so it asks once more where every account has access.
func (c *cell) regionOrKeys(ctx context.Context) refusal {
	account, err := c.callerAccount(ctx, homeRegion(c.Region))
	var ce *callError
	switch {
	case err == nil && account != c.Account:
		return refusal{result: evidence.WrongAccount, detail: fmt.Sprintf(
			"The credentials belong to account %s, not to %s. Nothing was read.", account, c.Account)}
	case err == nil:
		return refusal{result: evidence.RegionOff, detail: fmt.Sprintf("The Region %s is not enabled in account %s.", c.Region, c.Account)}
	case errors.As(err, &ce) && c.explain(err).result == evidence.RegionOff:
		return refusal{result: evidence.Error, detail: "AWS does not know these credentials. Check the access key that Orrery runs with."}
	}
	return c.explain(err)
}

func (c *cell) callerAccount(ctx context.Context, region string) (string, error) {
	client := sts.NewFromConfig(c.cfg, func(o *sts.Options) {
		o.Region, o.Retryer = region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("sts"))
	})
	out, err := call(ctx, "sts:GetCallerIdentity", c, func(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
		return client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Account), nil
}

// partition is the part of AWS that a Region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// homeRegion is a Region that is always on.
func homeRegion(region string) string {
	return map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[partition(region)]
}
