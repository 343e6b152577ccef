# What all files share. One file per subject:
#
#   function.tf   the guard's function and its log
#   iam.tf        its role; iam_read.tf, iam_act.tf, iam_own.tf: the permission sets of iam/
#   schedule.tf   the tick
#   table.tf      its memory
#   policy.tf     the policy in SSM
#   topics.tf     who is told
#   alarms.tf     alarms on the guard itself
#   wake.tf       what makes it look early
#   dashboard.tf  the dashboard
#   leaving.tf    the way out

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.id

  acts         = var.permissions == "act"
  has_list     = length(var.guarded_function_arns) > 0
  has_key      = var.topic_key_arn != ""
  has_own_key  = var.key_arn != ""
  has_vpc      = length(var.subnet_ids) > 0
  has_metrics  = var.metrics != "none"
  tick_seconds = var.tick_minutes * 60

  # What the permission sets in iam/ leave open.
  places = {
    Partition   = local.partition
    Region      = local.region
    Account     = local.account
    Suffix      = data.aws_partition.this.dns_suffix
    Guard       = var.name
    TableArn    = aws_dynamodb_table.memory.arn
    PeopleTopic = local.people_topic
    ChatTopic   = local.chat_topic
    PagerTopic  = local.pager_topic
    TopicKeyArn = var.topic_key_arn
    KeyArn      = var.key_arn

    PolicyParameter = local.policy_parameter

    Functions = join("\",\"", var.guarded_function_arns)
    Aliases   = join("\",\"", [for arn in var.guarded_function_arns : "${arn}:*"])
  }
}
