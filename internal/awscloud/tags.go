package awscloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
)

const tagsPerPage = 100

func (c *cell) taggedClient() *tagging.Client {
	return tagging.NewFromConfig(c.cfg, func(o *tagging.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("tag"))
	})
}

// tagsOf reads the tags of the cell's resources of the kinds, by ARN: for services that do
// not tell them themselves. What was never tagged is not listed, and results may repeat.
func (c *cell) tagsOf(ctx context.Context, kinds ...string) (map[string][]string, error) {
	client := c.taggedClient()
	out := map[string][]string{}
	in := &tagging.GetResourcesInput{ResourceTypeFilters: kinds, ResourcesPerPage: aws.Int32(tagsPerPage)}
	err := c.pages(func(token *string) (*string, error) {
		in.PaginationToken = token
		page, err := call(ctx, "tag:GetResources", c, func(ctx context.Context) (*tagging.GetResourcesOutput, error) {
			return client.GetResources(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResourceTagMappingList {
			var tags []string
			for _, t := range r.Tags {
				tags = append(tags, tag(t.Key, t.Value))
			}
			out[deref(r.ResourceARN)] = tags
		}
		return page.PaginationToken, nil
	})
	return out, err
}
