package awscloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"

	"orrery/internal/evidence"
)

func (c *cell) contactsClient() *account.Client {
	return account.NewFromConfig(c.cfg, func(o *account.Options) {
		o.Region, o.Retryer = c.Region, c.retryer()
		o.APIOptions = append(o.APIOptions, c.limit("account"))
	})
}

// readContacts tells whether the account has an alternate contact of each kind. Who it is
// is not kept. A run asks once for each account.
func readContacts(ctx context.Context, c *cell, keys []string, t *teller) error {
	client := c.contactsClient()
	for _, key := range keys {
		out, err := call(ctx, "account:GetAlternateContact", c, func(ctx context.Context) (*account.GetAlternateContactOutput, error) {
			return client.GetAlternateContact(ctx, &account.GetAlternateContactInput{AlternateContactType: types.AlternateContactType(strings.ToUpper(key))})
		})
		if err != nil && !hasCode(err, "ResourceNotFoundException") {
			return err
		}
		there := err == nil && out.AlternateContact != nil && deref(out.AlternateContact.EmailAddress) != ""
		x := thing{arn: evidence.AccountResource(c.Account), name: fmt.Sprintf("Account %s", c.Account)}
		t.tell(c.on(x, key, there, "has an alternate "+key+" contact", "has no alternate "+key+" contact"))
	}
	return nil
}
