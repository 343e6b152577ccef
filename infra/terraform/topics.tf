# Topics: three on which only the guard speaks, and one for alarms about the guard.

locals {
  # CloudWatch and the billing tools cannot publish to a topic under alias/aws/sns, whose key policy nobody can change.
  key_of_guard_topics  = local.has_key ? var.topic_key_arn : "alias/aws/sns"
  key_of_other_topics  = local.has_key ? var.topic_key_arn : null
  guard_topics         = { people = aws_sns_topic.people.arn, chat = aws_sns_topic.chat.arn, pager = aws_sns_topic.pager.arn }
  nothing_in_the_clear = { Sid = "NothingInTheClear", Effect = "Deny", Principal = "*", Action = "sns:Publish", Condition = { Bool = { "aws:SecureTransport" = "false" } } }
}

resource "aws_sns_topic" "people" {
  name              = "${var.name}-people"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "chat" {
  name              = "${var.name}-chat"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "pager" {
  name              = "${var.name}-pager"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "watch" {
  name              = "${var.name}-watch"
  kms_master_key_id = local.key_of_other_topics
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "people_mail" {
  count     = var.email != "" ? 1 : 0
  topic_arn = aws_sns_topic.people.arn
  protocol  = "email"
  endpoint  = var.email
}

resource "aws_sns_topic_subscription" "watch_mail" {
  count     = var.email != "" ? 1 : 0
  topic_arn = aws_sns_topic.watch.arn
  protocol  = "email"
  endpoint  = var.email
}

resource "aws_sns_topic_policy" "guard" {
  for_each = local.guard_topics
  arn      = each.value

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "NobodyButTheGuardSpeaksHere"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = each.value
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = aws_iam_role.guard.arn } }
      },
      merge(local.nothing_in_the_clear, { Resource = each.value }),
    ]
  })
}

resource "aws_sns_topic_policy" "watch" {
  arn = aws_sns_topic.watch.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOnTheGuard"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.watch.arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*" }
        }
      },
      merge(local.nothing_in_the_clear, { Resource = aws_sns_topic.watch.arn }),
    ]
  })
}
