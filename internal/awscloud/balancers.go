package awscloud

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const balancersPerPage = 100

func (c *cell) balancersClient() *elb.Client {
	return elb.NewFromConfig(c.cfg, func(o *elb.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("elasticloadbalancing"))
	})
}

// readBalancers tells of each load balancer whether it spans zones, and of each target
// group behind one whether it checks the health of its targets.
func readBalancers(ctx context.Context, c *cell, keys []string, t *teller) error {
	tags, err := c.tagsOf(ctx, "elasticloadbalancing:loadbalancer", "elasticloadbalancing:targetgroup")
	if err != nil {
		return err
	}
	client := c.balancersClient()
	if slices.Contains(keys, "zones") {
		if err := c.readBalancerZones(ctx, client, tags, t); err != nil {
			return err
		}
	}
	if slices.Contains(keys, "health_check") {
		return c.readTargetGroups(ctx, client, tags, t)
	}
	return nil
}

func (c *cell) readBalancerZones(ctx context.Context, client *elb.Client, tags map[string][]string, t *teller) error {
	in := &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(balancersPerPage)}
	return c.pages(func(token *string) (*string, error) {
		in.Marker = token
		page, err := call(ctx, "elasticloadbalancing:DescribeLoadBalancers", c, func(ctx context.Context) (*elb.DescribeLoadBalancersOutput, error) {
			return client.DescribeLoadBalancers(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, b := range page.LoadBalancers {
			var zones []string
			for _, z := range b.AvailabilityZones {
				zones = append(zones, deref(z.ZoneName))
			}
			x := thing{arn: deref(b.LoadBalancerArn), name: "The load balancer " + deref(b.LoadBalancerName), tags: tags[deref(b.LoadBalancerArn)],
				detail: map[string]any{"zones": zones, "type": string(b.Type)}}
			t.tell(c.on(x, "zones", len(zones) > 1, "spans several zones", "is in one zone only"))
		}
		return page.NextMarker, nil
	})
}

func (c *cell) readTargetGroups(ctx context.Context, client *elb.Client, tags map[string][]string, t *teller) error {
	in := &elb.DescribeTargetGroupsInput{PageSize: aws.Int32(balancersPerPage)}
	return c.pages(func(token *string) (*string, error) {
		in.Marker = token
		page, err := call(ctx, "elasticloadbalancing:DescribeTargetGroups", c, func(ctx context.Context) (*elb.DescribeTargetGroupsOutput, error) {
			return client.DescribeTargetGroups(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, g := range page.TargetGroups {
			on := deref(g.HealthCheckEnabled)
			x := thing{arn: deref(g.TargetGroupArn), name: "The target group " + deref(g.TargetGroupName), tags: tags[deref(g.TargetGroupArn)],
				detail: map[string]any{"health_check": on, "path": deref(g.HealthCheckPath), "targets": string(g.TargetType), "balancers": len(g.LoadBalancerArns)}}
			switch {
			case len(g.LoadBalancerArns) == 0:
				t.tell(c.aside(x, "health_check", "stands behind no load balancer"))
			case !on && g.TargetType == types.TargetTypeEnumLambda:
				t.tell(c.aside(x, "health_check", "leads to a function, which needs no health check"))
			default:
				t.tell(c.on(x, "health_check", on, "checks the health of its targets", "does not check the health of its targets"))
			}
		}
		return page.NextMarker, nil
	})
}

// splitList splits "a,b" into its parts.
func splitList(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
