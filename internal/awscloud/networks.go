package awscloud

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
)

const networksPerPage = "500"

type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// vpcPage and flowLogPage are answers of EC2.
type vpcPage struct {
	XMLName xml.Name `xml:"DescribeVpcsResponse"`
	VPCs    []struct {
		ID      string   `xml:"vpcId"`
		Owner   string   `xml:"ownerId"`
		Default bool     `xml:"isDefault"`
		Tags    []ec2Tag `xml:"tagSet>item"`
	} `xml:"vpcSet>item"`
	Next string `xml:"nextToken"`
}

type flowLogPage struct {
	XMLName xml.Name `xml:"DescribeFlowLogsResponse"`
	Logs    []struct {
		ID       string `xml:"flowLogId"`
		Resource string `xml:"resourceId"`
		Status   string `xml:"flowLogStatus"`
		Delivery string `xml:"deliverLogsStatus"`
		Error    string `xml:"deliverLogsErrorMessage"`
		Traffic  string `xml:"trafficType"`
	} `xml:"flowLogSet>item"`
	Next string `xml:"nextToken"`
}

// flowLog is the best flow log of a VPC.
type flowLog struct {
	works  bool
	detail map[string]any
}

// readNetworks tells of each VPC whether a flow log records it and is delivered.
func readNetworks(ctx context.Context, c *cell, _ []string, t *teller) error {
	logs, err := c.flowLogs(ctx)
	if err != nil {
		return err
	}
	return c.pages(func(token *string) (*string, error) {
		page, err := call(ctx, "ec2:DescribeVpcs", c, func(ctx context.Context) (page vpcPage, err error) {
			err = c.ec2(ctx, "DescribeVpcs", pageOf(token), &page)
			return page, err
		})
		if err != nil {
			return nil, err
		}
		for _, v := range page.VPCs {
			owner := c.Account
			if v.Owner != "" {
				owner = v.Owner
			}
			x := thing{arn: fmt.Sprintf("arn:%s:ec2:%s:%s:vpc/%s", partition(c.Region), c.Region, owner, v.ID), name: "The VPC " + v.ID,
				detail: map[string]any{"default": v.Default, "flow_log": logs[v.ID].detail}}
			for _, one := range v.Tags {
				x.tags = append(x.tags, one.Key+"="+one.Value)
			}
			if owner != c.Account {
				t.tell(c.aside(x, "flow_log", "is shared by another account, which keeps its flow logs"))
				continue
			}
			fails := "has no flow log"
			if logs[v.ID].detail != nil {
				fails = "has a flow log that is not delivered"
			}
			t.tell(c.on(x, "flow_log", logs[v.ID].works, "has a flow log", fails))
		}
		return &page.Next, nil
	})
}

// flowLogs reads the flow logs of VPCs; those of subnets and interfaces do not cover one.
func (c *cell) flowLogs(ctx context.Context) (map[string]flowLog, error) {
	out := map[string]flowLog{}
	err := c.pages(func(token *string) (*string, error) {
		page, err := call(ctx, "ec2:DescribeFlowLogs", c, func(ctx context.Context) (page flowLogPage, err error) {
			err = c.ec2(ctx, "DescribeFlowLogs", pageOf(token), &page)
			return page, err
		})
		if err != nil {
			return nil, err
		}
		for _, l := range page.Logs {
			works := l.Status == "ACTIVE" && l.Delivery != "FAILED"
			if !out[l.Resource].works {
				out[l.Resource] = flowLog{works, map[string]any{"id": l.ID, "status": l.Status, "delivery": l.Delivery, "error": l.Error, "traffic": l.Traffic}}
			}
		}
		return &page.Next, nil
	})
	return out, err
}

func pageOf(token *string) url.Values {
	v := url.Values{"MaxResults": {networksPerPage}}
	if token != nil {
		v.Set("NextToken", *token)
	}
	return v
}
