package awscloud_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	backuptypes "github.com/aws/aws-sdk-go-v2/service/backup/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"orrery/internal/awscloud"
	"orrery/internal/evidence"
)

// The further sources against an AWS that we did not write. It plays no alarms for today's
// protocol.
func TestMotoFurther(t *testing.T) {
	address := moto(t)
	credentials(t)
	t.Setenv("AWS_ENDPOINT_URL", address)
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(eu))
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.NewFromConfig(cfg).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("kim")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.NewFromConfig(cfg).CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("kim"), Password: aws.String("a long passphrase")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rds.NewFromConfig(cfg).CreateDBInstance(ctx, &rds.CreateDBInstanceInput{DBInstanceIdentifier: aws.String("ledger"), DBInstanceClass: aws.String("db.t4g.micro"),
		Engine: aws.String("postgres"), AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("kim"), MasterUserPassword: aws.String("a-long-passphrase"), MultiAZ: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = backup.NewFromConfig(cfg).CreateBackupPlan(ctx, &backup.CreateBackupPlanInput{BackupPlan: &backuptypes.BackupPlanInput{BackupPlanName: aws.String("daily"),
		Rules: []backuptypes.BackupRuleInput{{RuleName: aws.String("daily"), TargetBackupVaultName: aws.String("Default")}}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := awscloud.New(ctx, awscloud.Options{MaxAttempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	ask := evidence.Ask{More: everything()}
	for _, s := range []string{evidence.ActivitySource, evidence.ContactSource, evidence.AlarmSource, evidence.RestoreSource} {
		delete(ask.More, s)
	}
	got := map[string]evidence.FactState{}
	outcomes := c.Collect(ctx, evidence.Cell{Account: motoAccount, Region: eu}, ask, func(source string, facts []evidence.Observation) error {
		for _, f := range facts {
			got[source+" "+f.Control] = f.State
		}
		return nil
	})
	for _, o := range outcomes {
		if o.Result != evidence.OK && o.Source != evidence.PlanSource { // whose selections moto may not list
			t.Errorf("%+v", o)
		}
	}
	for key, want := range map[string]evidence.FactState{
		"iam.account user_mfa": evidence.Fail, "iam.account root_keys": evidence.Pass, "ec2.vpc flow_log": evidence.Fail,
		"rds.database multi_az": evidence.Pass, "autoscaling.group zones": evidence.NotApplicable, "elb.balancer zones": evidence.NotApplicable,
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	t.Logf("%v", got)
}
