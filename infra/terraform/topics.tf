# Topics: three on which only the guard speaks, and one for alarms about the guard.

locals {
  # CloudWatch and the billing tools cannot publish to a topic under alias/aws/sns, whose key policy nobody can change.
  key_of_guard_topics  = local.has_key ? var.topic_key_arn : "alias/aws/sns"
  key_of_other_topics  = local.has_key ? var.topic_key_arn : null
  people_topic         = var.people_topic_arn != "" ? var.people_topic_arn : one(aws_sns_topic.people[*].arn)
  chat_topic           = var.chat_topic_arn != "" ? var.chat_topic_arn : one(aws_sns_topic.chat[*].arn)
  pager_topic          = var.pager_topic_arn != "" ? var.pager_topic_arn : one(aws_sns_topic.pager[*].arn)
  watch_topic          = var.watch_topic_arn != "" ? var.watch_topic_arn : one(aws_sns_topic.watch[*].arn)
  nothing_in_the_clear = { Sid = "NothingInTheClear", Effect = "Deny", Principal = "*", Action = "sns:Publish", Condition = { Bool = { "aws:SecureTransport" = "false" } } }
}

resource "aws_sns_topic" "people" {
  count             = var.people_topic_arn == "" ? 1 : 0
  name              = "${var.name}-people"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "chat" {
  count             = var.chat_topic_arn == "" ? 1 : 0
  name              = "${var.name}-chat"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "pager" {
  count             = var.pager_topic_arn == "" ? 1 : 0
  name              = "${var.name}-pager"
  kms_master_key_id = local.key_of_guard_topics
  tags              = var.tags
}

resource "aws_sns_topic" "watch" {
  count             = var.watch_topic_arn == "" ? 1 : 0
  name              = "${var.name}-watch"
  kms_master_key_id = local.key_of_other_topics
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "people_mail" {
  count     = var.email != "" ? 1 : 0
  topic_arn = local.people_topic
  protocol  = "email"
  endpoint  = var.email
}

resource "aws_sns_topic_subscription" "watch_mail" {
  count     = var.email != "" ? 1 : 0
  topic_arn = local.watch_topic
  protocol  = "email"
  endpoint  = var.email
}

resource "aws_sns_topic_policy" "guard" {
  for_each = {
    for name, topic in { people = aws_sns_topic.people, chat = aws_sns_topic.chat, pager = aws_sns_topic.pager } : name => topic[0].arn
    if length(topic) > 0
  }
  arn = each.value

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
  count = length(aws_sns_topic.watch)
  arn   = aws_sns_topic.watch[0].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOnTheGuard"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.watch[0].arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*" }
        }
      },
      merge(local.nothing_in_the_clear, { Resource = aws_sns_topic.watch[0].arn }),
    ]
  })
}
