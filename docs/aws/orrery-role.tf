# The role that lets Orrery read evidence in this account. It writes nothing.

variable "orrery_role_arn" {
  type        = string
  description = "ARN of the role that Orrery itself runs with"
}

variable "external_id" {
  type        = string
  description = "The external id that Orrery shows on the page of the connection"
  sensitive   = true
}

variable "role_name" {
  type    = string
  default = "OrreryReadsEvidence"
}

variable "hub" {
  type        = bool
  description = "Whether this account is the organisation's hub"
  default     = false
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "OrreryTakesThisRole"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.orrery_role_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "OrreryReadsEvidence"
    resources = ["*"]
    actions = [
      "securityhub:DescribeHub",
      "securityhub:GetEnabledStandards",
      "securityhub:BatchGetSecurityControls",
      "securityhub:GetFindings",
      "config:DescribeConfigurationRecorders",
      "config:DescribeConfigurationRecorderStatus",
      "config:DescribeDeliveryChannelStatus",
      "config:DescribeConfigRules",
      "config:DescribeComplianceByConfigRule",
      "config:GetComplianceDetailsByConfigRule",
      "cloudtrail:DescribeTrails",
      "cloudtrail:GetTrailStatus",
      "cloudtrail:GetEventSelectors",
      "cloudtrail:LookupEvents",
      "iam:GetAccountSummary",
      "iam:GetCredentialReport",
      "iam:GenerateCredentialReport",
      "account:GetAlternateContact",
      "cloudwatch:DescribeAlarms",
      "ec2:DescribeVpcs",
      "ec2:DescribeFlowLogs",
      "rds:DescribeDBInstances",
      "rds:DescribeDBClusters",
      "backup:ListBackupPlans",
      "backup:ListBackupSelections",
      "backup:ListRestoreJobs",
      "autoscaling:DescribeAutoScalingGroups",
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeTargetGroups",
      "tag:GetResources",
      "wellarchitected:ListWorkloads",
      "wellarchitected:ListLensReviews",
      "wellarchitected:ListAnswers",
      "wellarchitected:GetAnswer",
    ]
  }
}

resource "aws_iam_role" "orrery" {
  name                 = var.role_name
  description          = "Orrery reads evidence of operational readiness"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "read" {
  name   = "OrreryReadsEvidence"
  role   = aws_iam_role.orrery.id
  policy = data.aws_iam_policy_document.read.json
}

data "aws_iam_policy_document" "hub" {
  statement {
    sid       = "OrreryAsksTheHub"
    resources = ["*"]
    actions = [
      "securityhub:ListFindingAggregators",
      "securityhub:GetFindingAggregator",
      "securityhub:GetMembers",
      "config:DescribeConfigurationAggregators",
      "config:DescribeConfigurationAggregatorSourcesStatus",
      "config:DescribeAggregateComplianceByConfigRules",
      "config:GetAggregateComplianceDetailsByConfigRule",
    ]
  }
}

resource "aws_iam_role_policy" "hub" {
  count  = var.hub ? 1 : 0
  name   = "OrreryAsksTheHub"
  role   = aws_iam_role.orrery.id
  policy = data.aws_iam_policy_document.hub.json
}

output "role_arn" {
  value = aws_iam_role.orrery.arn
}
