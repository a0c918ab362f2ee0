package awscloud

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"orrery/internal/evidence"
)

// The keys of iam.account.
const (
	rootMFA  = "root_mfa"  // the root user has a second factor
	rootKeys = "root_keys" // the root user has no access keys
	userMFA  = "user_mfa"  // every user with a password has a second factor
	oldKeys  = "old_keys"  // no active access key is older than keyAge
)

const (
	keyAge      = 90 * 24 * time.Hour
	reportTries = 15
	reportPause = 2 * time.Second
)

func (c *cell) iamClient() *iam.Client {
	return iam.NewFromConfig(c.cfg, func(o *iam.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("iam"))
	})
}

// readIAM reads the account's summary and, where a key needs it, its credential report.
// IAM has no Regions: a run asks once for each account.
func readIAM(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.iamClient()
	var summary map[string]int32
	if slices.Contains(keys, rootMFA) || slices.Contains(keys, rootKeys) {
		out, err := call(ctx, "iam:GetAccountSummary", c, func(ctx context.Context) (*iam.GetAccountSummaryOutput, error) {
			return client.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		})
		if err != nil {
			return err
		}
		summary = out.SummaryMap
	}
	if slices.Contains(keys, rootKeys) {
		present, said := summary["AccountAccessKeysPresent"]
		if !said {
			return errors.New("the account's summary says nothing of access keys of the root user")
		}
		x := thing{arn: evidence.AccountResource(c.Account), name: "The root user of account " + c.Account}
		t.tell(c.on(x, rootKeys, present == 0, "has no access keys", "has access keys"))
	}
	needsMFA := slices.Contains(keys, rootMFA) && summary["AccountMFAEnabled"] == 0
	if slices.Contains(keys, rootMFA) && !needsMFA {
		t.tell(c.onAccount(rootMFA, evidence.Pass, "", fmt.Sprintf("The root user of account %s has a second factor.", c.Account)))
	}
	if !needsMFA && !slices.Contains(keys, userMFA) && !slices.Contains(keys, oldKeys) {
		return nil
	}
	report, err := c.credentialReport(ctx, client)
	if err != nil {
		if needsMFA {
			t.tell(c.onAccount(rootMFA, evidence.Unknown, evidence.RootUnclear, fmt.Sprintf("The root user of account %s has no second factor, and whether it can sign in could not be read.", c.Account)))
		}
		return err
	}
	if needsMFA {
		t.tell(c.judgeRoot(report))
	}
	for _, u := range report.users {
		c.tellUser(u, report.at, keys, t)
	}
	return nil
}

// judgeRoot tells of a root user without a second factor. Where root access is managed
// centrally it has no password and no keys, and that is no failure.
func (c *cell) judgeRoot(r credentials) evidence.Observation {
	if u := r.root; u["password_enabled"] == "false" && u["access_key_1_active"] != "true" && u["access_key_2_active"] != "true" {
		return c.onAccount(rootMFA, evidence.NotApplicable, evidence.NoRootKeys, fmt.Sprintf("The root user of account %s has neither a password nor keys.", c.Account))
	}
	return c.onAccount(rootMFA, evidence.Fail, "", fmt.Sprintf("The root user of account %s has no second factor.", c.Account))
}

// tellUser tells what the keys ask of one user. The report holds no secrets; the document
// kept is the user's row without its certificates.
func (c *cell) tellUser(u map[string]string, at time.Time, keys []string, t *teller) {
	x := thing{arn: u["arn"], name: "The IAM user " + u["user"], detail: map[string]any{}}
	for _, column := range []string{"password_enabled", "password_last_used", "mfa_active", "access_key_1_active", "access_key_1_last_rotated", "access_key_2_active", "access_key_2_last_rotated"} {
		x.detail[column] = u[column]
	}
	if slices.Contains(keys, userMFA) && u["password_enabled"] == "true" {
		o := c.on(x, userMFA, u["mfa_active"] == "true", "has a second factor", "has a password and no second factor")
		o.ObservedAt = at
		t.tell(o)
	}
	if !slices.Contains(keys, oldKeys) || u["access_key_1_active"] != "true" && u["access_key_2_active"] != "true" {
		return
	}
	old := false
	for _, n := range []string{"1", "2"} {
		made, err := time.Parse(time.RFC3339, u["access_key_"+n+"_last_rotated"])
		old = old || u["access_key_"+n+"_active"] == "true" && (err != nil || at.Sub(made) > keyAge)
	}
	o := c.on(x, oldKeys, !old, "has no access key older than 90 days", "has an access key older than 90 days")
	o.ObservedAt = at
	t.tell(o)
}

// credentials is the credential report by the names of its columns.
type credentials struct {
	at    time.Time
	root  map[string]string
	users []map[string]string
}

// credentialReport reads the account's credential report, and has AWS write one when there
// is none of the last four hours.
func (c *cell) credentialReport(ctx context.Context, client *iam.Client) (credentials, error) {
	for range reportTries {
		out, err := call(ctx, "iam:GetCredentialReport", c, func(ctx context.Context) (*iam.GetCredentialReportOutput, error) {
			return client.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
		})
		switch {
		case err == nil:
			return parseCredentials(out.Content, deref(out.GeneratedTime))
		case hasCode(err, "ReportNotPresent"), hasCode(err, "ReportExpired"):
			made, err := call(ctx, "iam:GenerateCredentialReport", c, func(ctx context.Context) (*iam.GenerateCredentialReportOutput, error) {
				return client.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
			})
			if err != nil {
				return credentials{}, err
			}
			if made.State == types.ReportStateTypeComplete {
				continue
			}
		case !hasCode(err, "ReportInProgress"):
			return credentials{}, err
		}
		select {
		case <-time.After(min(reportPause, c.opts.MaxBackoff)):
		case <-ctx.Done():
			return credentials{}, ctx.Err()
		}
	}
	return credentials{}, &callError{"iam:GetCredentialReport", endless{"the credential report was not ready in time"}}
}

func parseCredentials(content []byte, at time.Time) (credentials, error) {
	out := credentials{at: at}
	rows := csv.NewReader(bytes.NewReader(content))
	header, err := rows.Read()
	if err != nil || !slices.Contains(header, "arn") || !slices.Contains(header, "mfa_active") {
		return out, &callError{"iam:GetCredentialReport", endless{"the credential report has no columns that are known"}}
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, &callError{"iam:GetCredentialReport", endless{"the credential report is not whole"}}
		}
		u := map[string]string{}
		for i, column := range header {
			u[column] = strings.ToLower(row[i])
			if column == "user" || column == "arn" || strings.HasSuffix(column, "_rotated") || strings.HasSuffix(column, "_used") {
				u[column] = row[i]
			}
		}
		if u["user"] == "<root_account>" {
			out.root = u
		} else {
			out.users = append(out.users, u)
		}
	}
}
