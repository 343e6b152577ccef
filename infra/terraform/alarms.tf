# Alarms on the guard itself. The metrics of the first two are Lambda's own and free.

locals {
  ticks_missed = { 1 = 5, 2 = 5, 5 = 3, 10 = 2 }[var.tick_minutes]
}

resource "aws_cloudwatch_metric_alarm" "ticks_missing" {
  alarm_name          = "${var.name}-ticks-missing"
  alarm_description   = "The guard does not run. Nothing watches the spend of this region until it does."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = local.tick_seconds
  evaluation_periods  = local.ticks_missed
  datapoints_to_alarm = local.ticks_missed
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [local.watch_topic]
  ok_actions          = [local.watch_topic]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "ticks_failing" {
  alarm_name          = "${var.name}-ticks-failing"
  alarm_description   = "The guard runs and fails, three times or more of late. Its log says why; nothing was changed by a failed tick."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = local.tick_seconds
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.watch_topic]
  ok_actions          = [local.watch_topic]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "refused" {
  count               = local.has_metrics ? 1 : 0
  alarm_name          = "${var.name}-refused"
  alarm_description   = "The guard wants to change something and cannot or must not, tick after tick. Ask it with {\"command\":\"plan\"}."
  namespace           = "DowGuard"
  metric_name         = "Refusals"
  dimensions          = { Stage = var.name }
  statistic           = "Maximum"
  period              = local.tick_seconds
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.watch_topic]
  ok_actions          = [local.watch_topic]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "blind" {
  count               = local.has_metrics ? 1 : 0
  alarm_name          = "${var.name}-blind"
  alarm_description   = "The guard has not been able to read what it asked for. Its estimates are wide; spend may be higher than it knows."
  namespace           = "DowGuard"
  metric_name         = "Blind"
  dimensions          = { Stage = var.name }
  statistic           = "Maximum"
  period              = local.tick_seconds
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.watch_topic]
  ok_actions          = [local.watch_topic]
  tags                = var.tags
}
