package awscloud

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"orrery/internal/evidence"
)

const (
	sessionName  = "orrery"
	expiryWindow = 5 * time.Minute // before its end a role is taken anew
)

// assume makes the cell read with the role of the access, if it has one. It returns nil, or
// why the role was not given.
func (c *cell) assume(ctx context.Context, a evidence.Access) *refusal {
	if a.RoleARN == "" {
		return nil
	}
	role := c.role(a, homeRegion(c.Region))
	if _, err := call(ctx, "sts:AssumeRole", c, role.Retrieve); err != nil {
		r := c.explainRole(err, a)
		return &r
	}
	c.cfg.Credentials = role
	return nil
}

// role is shared by every cell of the account, so that one taking serves an hour. It is
// taken in a Region that is always on; what STS gives there holds in all.
func (c *Collector) role(a evidence.Access, region string) *aws.CredentialsCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cache := c.roles[a]; cache != nil {
		return cache
	}
	client := sts.NewFromConfig(c.cfg, func(o *sts.Options) { o.Region, o.Retryer = region, c.retryer() })
	provider := stscreds.NewAssumeRoleProvider(client, a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.ExternalID = sessionName, aws.String(a.ExternalID)
	})
	c.roles[a] = aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow })
	return c.roles[a]
}

// explainRole puts a role that was not given into the words of the ledger.
func (c *cell) explainRole(err error, a evidence.Access) refusal {
	r := c.explain(err)
	switch r.result {
	case evidence.Denied:
		r.permission = "sts:AssumeRole"
		r.detail = fmt.Sprintf("AWS did not let Orrery take the role %s. The role has to be there, its trust policy has to name Orrery's own role and the external id of the connection, and Orrery's own role needs sts:AssumeRole on it.", a.RoleARN)
	case evidence.Expired:
		r.detail = "The credentials that Orrery runs with expired before it could take the role."
	case evidence.RegionOff:
		r = refusal{result: evidence.Error, detail: "AWS does not know the credentials that Orrery runs with, so it could not take the role."}
	}
	return r
}
