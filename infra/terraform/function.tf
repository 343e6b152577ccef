# The guard's function and its log.

resource "aws_lambda_function" "guard" {
  function_name    = var.name
  description      = "DoW Guard. Reads metrics, projects spend, caps concurrency where a budget would break."
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 60
  role             = aws_iam_role.guard.arn
  tags             = var.tags

  # A tick, and an order or a question beside it, can always run: in a saturated account too. Of two ticks at once one
  # conditional write decides.
  reserved_concurrent_executions = var.reserve_concurrency ? 2 : -1

  kms_key_arn = local.has_own_key ? var.key_arn : null

  dynamic "vpc_config" {
    for_each = local.has_vpc ? [1] : []
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.guard.name
  }

  environment {
    variables = {
      DOW_GUARD_POLICY_PARAMETER = local.policy_parameter
      DOW_GUARD_TABLE            = aws_dynamodb_table.memory.name
      DOW_GUARD_NAME             = var.name
      DOW_GUARD_STAGE            = var.name
      DOW_GUARD_TOPIC            = local.people_topic
      DOW_GUARD_CHAT_TOPIC       = local.chat_topic
      DOW_GUARD_PAGER_TOPIC      = local.pager_topic
      DOW_GUARD_PRICES           = var.prices
      DOW_GUARD_METRICS          = var.metrics
      DOW_GUARD_TRY_ON           = local.acts ? try(var.guarded_function_arns[0], "") : ""
    }
  }
}

# Doors: whoever may invoke an alias may only ask, or ask and release (guard-fn/src/wake/door.rs).
resource "aws_lambda_alias" "ask" {
  name             = "ask"
  description      = "Takes questions, and nothing that changes anything."
  function_name    = aws_lambda_function.guard.function_name
  function_version = "$LATEST"
}

resource "aws_lambda_alias" "chat" {
  name             = "chat"
  description      = "Takes questions and release."
  function_name    = aws_lambda_function.guard.function_name
  function_version = "$LATEST"
}

# A tick that failed is not repeated: the next one looks at newer metrics.
resource "aws_lambda_function_event_invoke_config" "guard" {
  function_name                = aws_lambda_function.guard.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_cloudwatch_log_group" "guard" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = local.has_own_key ? var.key_arn : null
  tags              = var.tags
}
