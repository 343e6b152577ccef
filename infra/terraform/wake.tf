# Early wakers: any alarm whose name begins with NAME-wake- makes the guard look at once.

resource "aws_cloudwatch_event_rule" "wake" {
  name        = "${var.name}-wake"
  description = "Alarms whose names begin with ${var.name}-wake- make the guard look. Whole events, never a part (see guard-fn/src/wake.rs)."
  state       = "ENABLED"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.cloudwatch"]
    "detail-type" = ["CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"]
    resources     = [{ prefix = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-wake-" }]
    detail        = { state = { value = ["ALARM"] } }
  })
}

resource "aws_cloudwatch_event_target" "wake" {
  rule      = aws_cloudwatch_event_rule.wake.name
  target_id = "guard"
  arn       = aws_lambda_function.guard.arn

  retry_policy {
    maximum_retry_attempts       = 0
    maximum_event_age_in_seconds = 60
  }
}

resource "aws_lambda_permission" "wake" {
  function_name = aws_lambda_function.guard.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.wake.arn
}

resource "aws_cloudwatch_metric_alarm" "wake_concurrency" {
  count               = var.wake_concurrency > 0 ? 1 : 0
  alarm_name          = "${var.name}-wake-concurrency"
  alarm_description   = "The region's concurrency is high. Makes the guard look; tells nobody."
  namespace           = "AWS/Lambda"
  metric_name         = "ConcurrentExecutions"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = var.wake_concurrency
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "wake_invocations" {
  count               = var.wake_invocations > 0 ? 1 : 0
  alarm_name          = "${var.name}-wake-invocations"
  alarm_description   = "The region's functions are invoked often. Makes the guard look; tells nobody."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = var.wake_invocations
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  tags                = var.tags
}

resource "aws_sns_topic" "hints" {
  count             = var.wake_topic ? 1 : 0
  name              = "${var.name}-hints"
  kms_master_key_id = local.key_of_other_topics
  tags              = var.tags
}

resource "aws_sns_topic_policy" "hints" {
  count = var.wake_topic ? 1 : 0
  arn   = aws_sns_topic.hints[0].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "BillingToolsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "costalerts.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.hints[0].arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      merge(local.nothing_in_the_clear, { Resource = aws_sns_topic.hints[0].arn }),
    ]
  })
}

resource "aws_sns_topic_subscription" "hints" {
  count     = var.wake_topic ? 1 : 0
  topic_arn = aws_sns_topic.hints[0].arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.guard.arn
}

resource "aws_lambda_permission" "hints" {
  count         = var.wake_topic ? 1 : 0
  function_name = aws_lambda_function.guard.function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.hints[0].arn
}
