package awstest

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// rolePrefix begins the access keys of roles that were taken.
const rolePrefix = "ASIAROLE"

// accountOf is the account of the credentials that a call was signed with.
func (s *Server) accountOf(q request) string {
	if strings.HasPrefix(q.KeyID, rolePrefix) {
		return s.world.Account
	}
	return or(s.world.Own, s.world.Account)
}

// assumeRole plays AssumeRole: the role has to be there, and the external id has to be its.
func (s *Server) assumeRole(q request) (any, *Fault) {
	form, err := url.ParseQuery(q.Body)
	if err != nil {
		return nil, &Fault{Code: "ValidationError", Message: err.Error()}
	}
	arn := form.Get("RoleArn")
	role, ok := s.world.Roles[arn]
	if !ok || role.ExternalID != "" && form.Get("ExternalId") != role.ExternalID {
		return nil, &Fault{Status: 403, Code: "AccessDenied", Message: "User: arn:aws:iam::" + or(s.world.Own, s.world.Account) + ":role/orrery is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	return fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><Arn>%s</Arn><AssumedRoleId>AROA:orrery</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>%s1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>`,
		arn, rolePrefix, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), nil
}
