package awscloud

import (
	"context"

	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	"github.com/aws/aws-sdk-go-v2/service/backup/types"

	"orrery/internal/evidence"
)

const (
	plansPerPage = 100
	planIdle     = 31 * 24 * time.Hour // a plan that did nothing for longer does not run
	restoreDays  = 30                  // how long AWS Backup remembers its jobs
)

func (c *cell) backup() *backup.Client {
	return backup.NewFromConfig(c.cfg, func(o *backup.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("backup"))
	})
}

// readPlans tells of each backup plan whether it selects something and ran of late.
func readPlans(ctx context.Context, c *cell, _ []string, t *teller) error {
	client := c.backup()
	in := &backup.ListBackupPlansInput{MaxResults: aws.Int32(plansPerPage)}
	return c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "backup:ListBackupPlans", c, func(ctx context.Context) (*backup.ListBackupPlansOutput, error) {
			return client.ListBackupPlans(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page.BackupPlansList {
			some, err := c.selects(ctx, client, p.BackupPlanId)
			if err != nil {
				return nil, err
			}
			t.tell(c.judgePlan(p, some))
		}
		return page.NextToken, nil
	})
}

func (c *cell) selects(ctx context.Context, client *backup.Client, plan *string) (bool, error) {
	out, err := call(ctx, "backup:ListBackupSelections", c, func(ctx context.Context) (*backup.ListBackupSelectionsOutput, error) {
		return client.ListBackupSelections(ctx, &backup.ListBackupSelectionsInput{BackupPlanId: plan, MaxResults: aws.Int32(1)})
	})
	return err == nil && len(out.BackupSelectionsList) > 0, err
}

func (c *cell) judgePlan(p types.BackupPlansListMember, selects bool) evidence.Observation {
	x := thing{arn: deref(p.BackupPlanArn), name: "The backup plan " + deref(p.BackupPlanName), detail: map[string]any{"selects": selects}}
	last := deref(p.LastExecutionDate)
	switch {
	case !selects:
		return c.on(x, "runs", false, "", "selects nothing")
	case last.IsZero():
		return c.on(x, "runs", false, "", "has not run yet")
	}
	x.detail["last_run"] = last.UTC().Format(time.RFC3339)
	day := last.UTC().Format("2 January 2006")
	return c.on(x, "runs", c.now.Sub(last) < planIdle, "ran last on "+day, "has not run since "+day)
}

// readRestores tells when AWS Backup last completed a restore.
func readRestores(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.backup()
	var last *types.RestoreJobsListMember
	in := &backup.ListRestoreJobsInput{MaxResults: aws.Int32(plansPerPage), ByStatus: types.RestoreJobStatusCompleted,
		ByCompleteAfter: aws.Time(c.now.AddDate(0, 0, -restoreDays))}
	err := c.pages(func(token *string) (*string, error) {
		in.NextToken = token
		page, err := call(ctx, "backup:ListRestoreJobs", c, func(ctx context.Context) (*backup.ListRestoreJobsOutput, error) {
			return client.ListRestoreJobs(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.RestoreJobs {
			j := &page.RestoreJobs[i]
			if j.Status == types.RestoreJobStatusCompleted && j.CompletionDate != nil && (last == nil || j.CompletionDate.After(*last.CompletionDate)) {
				last = j
			}
		}
		return page.NextToken, nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		o := c.onAccount(key, evidence.NotApplicable, evidence.NotSeen, fmt.Sprintf("AWS Backup completed no restore in %s in the last %d days.", c.Cell, restoreDays))
		if last != nil {
			at := last.CompletionDate.UTC()
			o = c.onAccount(key, evidence.Pass, "", fmt.Sprintf("AWS Backup completed a restore on %s in %s.", at.Format("2 January 2006 at 15:04 UTC"), c.Cell))
			o.ObservedAt, o.Origin = at, deref(last.RestoreJobId)
			o.Detail = compact(map[string]any{"job": deref(last.RestoreJobId), "type": deref(last.ResourceType), "completed": at.Format(time.RFC3339)})
		}
		t.tell(o)
	}
	return nil
}
