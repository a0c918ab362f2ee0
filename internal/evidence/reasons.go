package evidence

// Reason explains a code that a verdict or a fact carries when it is neither a plain pass
// nor a plain fail.
type Reason struct {
	Code    string
	Sources string // which sources give it: "all", or a list
	Means   string // what it means, one sentence
	Mend    string // what would mend it, one sentence; empty when nothing is wrong
}

// The codes that are not results of a cell (those are the Result constants).
const (
	NotRead          = "not_read"
	NothingInScope   = "nothing_in_scope"
	SomeSuppressed   = "some_suppressed"
	OnlySuppressed   = "only_suppressed"
	SomeFail         = "some_fail"
	ScopeChanged     = "scope_changed"
	ControlDisabled  = "control_disabled"
	ControlUnknown   = "control_unknown"
	StandardNotReady = "standard_not_ready"
	TooEarly         = "too_early"
	NoFinding        = "no_finding"
	NoFindingUnclear = "no_finding_unclear"
	Vacuous          = "vacuous"
	NotEvaluated     = "not_evaluated"
	RecorderOff      = "recorder_off"
	RecorderFailing  = "recorder_failing"
	RecorderUnread   = "recorder_unread"
	NotDelivered     = "not_delivered"
	RuleAbsent       = "rule_absent"
	RuleNotActive    = "rule_not_active"
	RuleUnread       = "rule_unread"
	InsufficientData = "insufficient_data"
	RuleNotApplied   = "rule_not_applied"
	Unlisted         = "resources_unlisted" // of a rule that fails: it counts itself, and what stands of its resources stays
	TagsUnread       = "tags_unread"        // of a rule that fails: it counts itself where the scope has tags
	TrailUnclear     = "trail_unclear"
	NotSeen          = "not_seen"
	HomeNotRead      = "home_not_read"
	TrailKept        = "trail_kept"
	NothingThere     = "nothing_there"
	DoesNotApply     = "does_not_apply"
	KeyUnknown       = "key_unknown"
	NoRootKeys       = "no_root_credentials"
	RootUnclear      = "root_unclear"
	PeopleSay        = "people_say"
)

// Reasons lists every code a verdict may carry, with its meaning, in the order of the
// documentation. Codes in capitals are AWS's own status reasons and are passed on as they
// are; a page shows Verdict.Detail, which is already a sentence.
func Reasons() []Reason { return reasons }

// furtherStates are the further sources that tell how resources are; furtherKeys those with
// a fixed list of keys.
const (
	furtherStates = "iam.account, cloudwatch.alarm, ec2.vpc, rds.database, backup.plan, autoscaling.group, elb.balancer"
	furtherKeys   = furtherStates + ", account.contact, backup.restore"
)

var reasons = []Reason{
	{string(Denied), "all", "AWS refused a call that the reading needs.", "Grant the permission that is named."},
	{string(Expired), "all", "The credentials expired while the cell was read.", "Start Orrery with credentials that renew themselves, then collect again."},
	{string(WrongAccount), "all", "The credentials belong to another account, so nothing was read with them; what the hub told counts all the same.", "Run Orrery with credentials of the account in the scope, or correct the scope."},
	{string(RegionOff), "all", "The account has not opted in to the Region.", "Take the Region out of the scope, or enable it in the account."},
	{string(Off), "all", "The service is not enabled in that account and Region.", "Enable the service there."},
	{string(Throttled), "all", "AWS kept answering that there were too many requests.", "Collect again later; look for another tool that uses the same limit."},
	{string(Partial), "all", "Only a part could be read.", "Read the sentence of the cell, then collect again."},
	{string(Error), "all", "The reading failed for another reason.", "Read the sentence of the cell, then collect again."},
	{NotRead, "all", "The run did not ask for this: Orrery does not read the source, or the check was published later.", "Collect again; when it stays, answer by hand."},
	{ScopeChanged, "all", "Accounts or Regions were added to the scope after the last run, its tags or its application changed, or an account is lent no more.", "Collect again."},
	{NothingInScope, "securityhub.control, config.rule, cloudwatch.alarm, ec2.vpc, rds.database, autoscaling.group, elb.balancer", "Resources were evaluated, but none carries the tags or the application of the scope.", "Tag the resources, or correct the scope."},
	{SomeFail, "all", "Some resources pass and others fail.", "Mend the failing resources that are listed."},
	{SomeSuppressed, "securityhub.control", "What was evaluated passes, but some failures are suppressed in AWS, which is not a pass.", "Mend the suppressed resources, or explain them in the notes."},
	{OnlySuppressed, "securityhub.control", "All that is left are failures that somebody suppressed in AWS.", "Mend the suppressed resources, or explain them in the notes."},
	{ControlDisabled, "securityhub.control", "The control is disabled in Security Hub there, so nothing looks.", "Enable the control there."},
	{ControlUnknown, "securityhub.control", "Security Hub knows no control of that name there.", "Correct the check in the questionnaire."},
	{StandardNotReady, "securityhub.control", "No enabled standard is ready there, so controls are not evaluated.", "Look at the standard's status in Security Hub; often the Config recorder is off."},
	{TooEarly, "securityhub.control", "Security Hub was enabled less than a day ago and has not said anything yet.", "Collect again tomorrow."},
	{NoFinding, "securityhub.control", "The control is on, and Security Hub holds no finding of it: there is nothing of that kind.", ""},
	{NoFindingUnclear, "securityhub.control", "There is no finding, and whether the control looks could not be read.", "Grant securityhub:BatchGetSecurityControls, and turn consolidated control findings on."},
	{Vacuous, "securityhub.control", "It passed because there was nothing to evaluate (CONFIG_EVALUATIONS_EMPTY).", ""},
	{NotEvaluated, "securityhub.control", "Security Hub has a finding, but could not evaluate the control and does not say why.", "Look at the finding in Security Hub."},
	{RecorderOff, "securityhub.control, config.rule, config.recorder", "No Config recorder of your own records there, so what rests on it proves nothing.", "Turn the Config recorder on there."},
	{RecorderFailing, "securityhub.control, config.rule, config.recorder", "The Config recorder is on, but its last recording or delivery failed, or it has no delivery channel.", "Look at the recorder and its delivery channel in AWS Config."},
	{RecorderUnread, "securityhub.control, config.rule", "Whether a Config recorder records and delivers there could not be read.", "Grant config:DescribeConfigurationRecorders, config:DescribeConfigurationRecorderStatus and config:DescribeDeliveryChannelStatus."},
	{NotDelivered, "securityhub.control, config.recorder", "The Config recorder is on, and has not delivered anything yet.", "Collect again tomorrow."},
	{RuleAbsent, "config.rule", "There is no Config rule of that name there.", "Deploy the rule, or take the check out of the questionnaire."},
	{RuleNotActive, "config.rule", "The rule is being deleted or evaluated.", "Collect again later."},
	{RuleUnread, "config.rule", "The rule exists, but AWS Config did not answer for its compliance.", "Collect again later."},
	{InsufficientData, "config.rule", "The rule has never delivered a result.", "Look at the rule's last error in AWS Config."},
	{RuleNotApplied, "config.rule", "The rule found nothing it applies to.", ""},
	{Unlisted, "config.rule", "The rule fails, and not everything that fails could be listed.", "Grant config:GetComplianceDetailsByConfigRule, or look at the rule in AWS Config."},
	{TagsUnread, "config.rule", "The rule fails, and the tags of some of what fails are not known.", "Look at the rule in AWS Config."},
	{TrailUnclear, "cloudtrail.trail", "A trail looks right, but a part of its state could not be read.", "Grant the permission that is named."},
	{NotSeen, "cloudtrail.activity, backup.restore", "Everything was read, and nothing of the kind was seen in the time that counts.", "Do it, or answer by hand where it was done elsewhere."},
	{HomeNotRead, "cloudtrail.activity", "AWS records it in one Region only, and the run did not ask there, so that nothing was seen says nothing.", "Add the Region that is named to the scope, or answer by hand."},
	{TrailKept, "cloudtrail.activity", "A trail is kept in the Region of its name, and only there is recorded what is done to it.", ""},
	{NothingThere, furtherStates + ", wellarchitected", "There is no resource of the kind in that account and Region.", ""},
	{DoesNotApply, "ec2.vpc, rds.database, autoscaling.group, elb.balancer", "There is a resource, and the question does not arise for it.", ""},
	{KeyUnknown, furtherKeys, "Orrery knows no such key of the source.", "Correct the key of the check in the questionnaire."},
	{NoRootKeys, "iam.account", "The root user of the account has neither a password nor keys, so there is nothing to protect.", ""},
	{RootUnclear, "iam.account", "The root user has no second factor, and whether it can sign in at all could not be read.", "Grant iam:GenerateCredentialReport and iam:GetCredentialReport."},
	{PeopleSay, "wellarchitected", "People answered it in the Well-Architected Tool, which proves nothing by itself.", "Look whether it is true, and confirm it in the review."},
}

// inWords is the sentence for a code without more context.
func inWords(code string) string {
	for _, r := range reasons {
		if r.Code == code {
			return r.Means
		}
	}
	return "AWS gives the reason " + code + "."
}
