package awscloud

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

const databasesPerPage = 100

func (c *cell) databasesClient() *rds.Client {
	return rds.NewFromConfig(c.cfg, func(o *rds.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("rds"))
	})
}

// readDatabases tells of each database whether it survives the loss of a zone, and whether
// it has automatic backups. The instances of a cluster are told by their cluster.
func readDatabases(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.databasesClient()
	in := &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(databasesPerPage)}
	err := c.pages(func(token *string) (*string, error) {
		in.Marker = token
		page, err := call(ctx, "rds:DescribeDBInstances", c, func(ctx context.Context) (*rds.DescribeDBInstancesOutput, error) {
			return client.DescribeDBInstances(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.DBInstances {
			c.tellInstance(&page.DBInstances[i], keys, t)
		}
		return page.Marker, nil
	})
	if err != nil {
		return err
	}
	clusters := &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(databasesPerPage)}
	return c.pages(func(token *string) (*string, error) {
		clusters.Marker = token
		page, err := call(ctx, "rds:DescribeDBClusters", c, func(ctx context.Context) (*rds.DescribeDBClustersOutput, error) {
			return client.DescribeDBClusters(ctx, clusters)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.DBClusters {
			d := &page.DBClusters[i]
			x := thing{arn: deref(d.DBClusterArn), name: "The database cluster " + deref(d.DBClusterIdentifier), tags: rdsTags(d.TagList),
				detail: map[string]any{"engine": deref(d.Engine), "multi_az": deref(d.MultiAZ), "members": len(d.DBClusterMembers), "backup_days": deref(d.BackupRetentionPeriod)}}
			c.tellDatabase(x, deref(d.MultiAZ), deref(d.BackupRetentionPeriod), keys, t)
		}
		return page.Marker, nil
	})
}

func (c *cell) tellInstance(d *types.DBInstance, keys []string, t *teller) {
	if deref(d.DBClusterIdentifier) != "" {
		return
	}
	x := thing{arn: deref(d.DBInstanceArn), name: "The database " + deref(d.DBInstanceIdentifier), tags: rdsTags(d.TagList),
		detail: map[string]any{"engine": deref(d.Engine), "multi_az": deref(d.MultiAZ), "backup_days": deref(d.BackupRetentionPeriod),
			"replica_of": deref(d.ReadReplicaSourceDBInstanceIdentifier)}}
	if deref(d.ReadReplicaSourceDBInstanceIdentifier) == "" {
		c.tellDatabase(x, deref(d.MultiAZ), deref(d.BackupRetentionPeriod), keys, t)
		return
	}
	for _, key := range keys {
		t.tell(c.aside(x, key, "is a read replica"))
	}
}

func (c *cell) tellDatabase(x thing, zones bool, days int32, keys []string, t *teller) {
	if slices.Contains(keys, "multi_az") {
		t.tell(c.on(x, "multi_az", zones, "runs in several zones", "runs in one zone only"))
	}
	if slices.Contains(keys, "backups") {
		t.tell(c.on(x, "backups", days > 0, fmt.Sprintf("keeps automatic backups for %d days", days), "has no automatic backups"))
	}
}

func rdsTags(list []types.Tag) []string {
	var out []string
	for _, t := range list {
		out = append(out, tag(t.Key, t.Value))
	}
	return out
}
