# The tick.

resource "aws_scheduler_schedule" "tick" {
  name                = "${var.name}-tick"
  group_name          = var.schedule_group
  description         = "Lets the guard look. No retries - the next tick is newer."
  schedule_expression = var.tick_minutes == 1 ? "rate(1 minute)" : "rate(${var.tick_minutes} minutes)"
  state               = "ENABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.guard.arn
    role_arn = aws_iam_role.schedule.arn
    input    = "{\"tick\":\"<aws.scheduler.scheduled-time>\"}"

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

resource "aws_iam_role" "schedule" {
  name_prefix = "${var.name}-"
  path        = var.role_path
  description = "Lets EventBridge Scheduler invoke the guard and nothing else."
  tags        = var.tags

  permissions_boundary = var.permissions_boundary_arn != "" ? var.permissions_boundary_arn : null

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.schedule_group}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "invoke" {
  name   = "invoke"
  role   = aws_iam_role.schedule.id
  policy = templatefile("${path.module}/iam/invoke.json", local.places)
}
