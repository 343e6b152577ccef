# Armed, with a policy of its own, everything optional, and a guarded function that lives with its caps.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
    }
  }
}

module "dow_guard" {
  source = "../.."

  package     = "${path.module}/../../../../target/lambda/guard-fn/bootstrap.zip"
  permissions = "act"
  armed       = true
  policy_text = file("${path.module}/policy.toml")

  # Not read where policy_text is given; the variable has no default, so that nobody installs without a thought.
  monthly_budget_usd = 400

  email            = "ops@example.org"
  metrics          = "all"
  dashboard        = true
  wake_concurrency = 800
  wake_invocations = 600000
  wake_topic       = true
  tags             = { team = "platform" }
}

# A guarded function: the tag lets the guard change it, and ignore_changes lets a cap live until the guard takes it
# back. Without it the next apply would undo the cap in the middle of an attack.
resource "aws_lambda_function" "orders" {
  function_name = "orders"
  filename      = "${path.module}/orders.zip"
  handler       = "index.handler"
  runtime       = "nodejs22.x"
  role          = aws_iam_role.orders.arn
  timeout       = 10
  tags          = { dow-guard = "enforce" }

  lifecycle {
    ignore_changes = [reserved_concurrent_executions]
  }
}

resource "aws_iam_role" "orders" {
  name_prefix = "orders-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# The same for its queue. The mapping needs the tag as well: IAM sees the mapping's tags, not the function's.
resource "aws_sqs_queue" "orders" {
  name                       = "orders"
  visibility_timeout_seconds = 60
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn = aws_sqs_queue.orders.arn
  function_name    = aws_lambda_function.orders.arn
  tags             = { dow-guard = "enforce" }

  lifecycle {
    ignore_changes = [enabled, scaling_config]
  }
}

# AWS Budgets as a hint, some hours late: what the guard cannot see, it sees.
resource "aws_budgets_budget" "lambda" {
  name         = "lambda"
  budget_type  = "COST"
  limit_amount = "400"
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "Service"
    values = ["AWS Lambda"]
  }

  notification {
    comparison_operator       = "GREATER_THAN"
    threshold                 = 80
    threshold_type            = "PERCENTAGE"
    notification_type         = "ACTUAL"
    subscriber_sns_topic_arns = [module.dow_guard.hint_topic_arn]
  }
}
