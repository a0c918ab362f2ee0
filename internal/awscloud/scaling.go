package awscloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

const groupsPerPage = 100

func (c *cell) groupsClient() *autoscaling.Client {
	return autoscaling.NewFromConfig(c.cfg, func(o *autoscaling.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("autoscaling"))
	})
}

// readGroups tells of each Auto Scaling group whether it spans zones, and whether it
// replaces what its load balancer finds ill.
func readGroups(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.groupsClient()
	in := &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(groupsPerPage)}
	return c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "autoscaling:DescribeAutoScalingGroups", c, func(ctx context.Context) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
			return client.DescribeAutoScalingGroups(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.AutoScalingGroups {
			c.tellGroup(&page.AutoScalingGroups[i], keys, t)
		}
		return page.NextToken, nil
	})
}

func (c *cell) tellGroup(g *types.AutoScalingGroup, keys []string, t *teller) {
	x := thing{arn: deref(g.AutoScalingGroupARN), name: "The scaling group " + deref(g.AutoScalingGroupName),
		detail: map[string]any{"zones": g.AvailabilityZones, "health_check": deref(g.HealthCheckType), "least": deref(g.MinSize), "most": deref(g.MaxSize)}}
	for _, one := range g.Tags {
		x.tags = append(x.tags, tag(one.Key, one.Value))
	}
	if slices.Contains(keys, "zones") {
		t.tell(c.on(x, "zones", len(g.AvailabilityZones) > 1, "spans several zones", "is in one zone only"))
	}
	switch balanced := len(g.TargetGroupARNs)+len(g.LoadBalancerNames)+len(g.TrafficSources) > 0; {
	case !slices.Contains(keys, "health_check"):
	case !balanced:
		t.tell(c.aside(x, "health_check", "stands behind no load balancer"))
	default:
		t.tell(c.on(x, "health_check", asksBalancer(deref(g.HealthCheckType)), "uses the health checks of its load balancer", "does not use the health checks of its load balancer"))
	}
}

// asksBalancer reads a list such as "ELB,EBS".
func asksBalancer(kinds string) bool {
	for _, k := range splitList(kinds) {
		if k == "ELB" || k == "VPC_LATTICE" {
			return true
		}
	}
	return false
}
