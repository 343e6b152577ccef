# Nonsense is refused at plan time, and what is sensible gives the resources it should. No account is needed:
#
#   terraform init -backend=false && terraform test

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/dow-guard" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:dow-guard" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:dow-guard-topic" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/dow-guard-wake" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/dow-guard" }
  }
}

variables {
  # Any file stands for the package: nothing is uploaded.
  package            = "versions.tf"
  monthly_budget_usd = 400
}

run "a_budget_below_nothing_is_refused" {
  command = plan
  variables {
    monthly_budget_usd = -1
  }
  expect_failures = [var.monthly_budget_usd]
}

run "a_budget_of_nothing_is_refused" {
  command = plan
  variables {
    monthly_budget_usd = 0
  }
  expect_failures = [var.monthly_budget_usd]
}

run "a_budget_beyond_all_measure_is_refused" {
  command = plan
  variables {
    monthly_budget_usd = 1e12
  }
  expect_failures = [var.monthly_budget_usd]
}

run "an_unknown_mode_is_refused" {
  command = plan
  variables {
    mode = "kill"
  }
  expect_failures = [var.mode]
}

run "an_address_without_an_at_is_refused" {
  command = plan
  variables {
    email = "ops.example.org"
  }
  expect_failures = [var.email]
}

run "a_tick_under_a_minute_is_refused" {
  command = plan
  variables {
    tick_minutes = 0.5
  }
  expect_failures = [var.tick_minutes]
}

run "a_tick_of_seven_minutes_is_refused" {
  command = plan
  variables {
    tick_minutes = 7
  }
  expect_failures = [var.tick_minutes]
}

run "a_name_with_capitals_is_refused" {
  command = plan
  variables {
    name = "DowGuard"
  }
  expect_failures = [var.name]
}

run "an_unknown_architecture_is_refused" {
  command = plan
  variables {
    architecture = "riscv"
  }
  expect_failures = [var.architecture]
}

run "a_package_that_is_not_there_is_refused" {
  command = plan
  variables {
    package = "no-such.zip"
  }
  expect_failures = [var.package]
}

run "unknown_permissions_is_refused" {
  command = plan
  variables {
    permissions = "admin"
  }
  expect_failures = [var.permissions]
}

run "an_arn_with_a_version_is_refused" {
  command = plan
  variables {
    guarded_function_arns = ["arn:aws:lambda:eu-central-1:123456789012:function:orders:7"]
  }
  expect_failures = [var.guarded_function_arns]
}

run "every_function_at_once_is_refused" {
  command = plan
  variables {
    guarded_function_arns = ["*"]
  }
  expect_failures = [var.guarded_function_arns]
}

run "a_list_that_iam_does_not_take_is_refused" {
  command = plan
  variables {
    guarded_function_arns = [for number in range(40) : "arn:aws:lambda:eu-central-1:123456789012:function:orders-${number}"]
  }
  expect_failures = [var.guarded_function_arns]
}

run "a_policy_that_was_cut_on_its_way_is_refused" {
  command = plan
  variables {
    policy_text = "armed"
  }
  expect_failures = [var.policy_text]
}

run "a_policy_that_no_parameter_holds_is_refused" {
  command = plan
  variables {
    policy_text = join("\n", [for number in range(900) : "# ${number} ..."])
  }
  expect_failures = [var.policy_text]
}

run "a_packed_policy_is_not" {
  command = apply
  variables {
    policy_text = base64gzip("[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 5\n")
  }
  assert {
    condition     = startswith(aws_ssm_parameter.policy[0].value, "H4sI")
    error_message = "it is stored as it is given"
  }
}

run "an_alias_for_a_key_is_refused" {
  command = plan
  variables {
    topic_key_arn = "alias/mine"
  }
  expect_failures = [var.topic_key_arn]
}

run "unknown_metrics_is_refused" {
  command = plan
  variables {
    metrics = "some"
  }
  expect_failures = [var.metrics]
}

run "a_log_kept_for_no_time_is_refused" {
  command = plan
  variables {
    log_days = 0
  }
  expect_failures = [var.log_days]
}

run "unknown_prices_is_refused" {
  command = plan
  variables {
    prices = "gcp"
  }
  expect_failures = [var.prices]
}

run "a_negative_concurrency_is_refused" {
  command = plan
  variables {
    wake_concurrency = -1
  }
  expect_failures = [var.wake_concurrency]
}

run "half_an_invocation_is_refused" {
  command = plan
  variables {
    wake_invocations = 0.5
  }
  expect_failures = [var.wake_invocations]
}

run "armed_without_permission_is_refused" {
  command = plan
  variables {
    armed = true
  }
  expect_failures = [var.armed]
}

run "a_dashboard_of_nothing_is_refused" {
  command = plan
  variables {
    dashboard = true
  }
  expect_failures = [var.dashboard]
}

run "a_tag_that_would_cap_the_guard_is_refused" {
  command = plan
  variables {
    tags = { dow-guard = "enforce" }
  }
  expect_failures = [var.tags]
}

run "a_subnet_without_a_security_group_is_refused" {
  command = plan
  variables {
    subnet_ids = ["subnet-0a1b2c3d"]
  }
  expect_failures = [var.subnet_ids]
}

run "what_is_no_subnet_is_refused" {
  command = plan
  variables {
    subnet_ids         = ["subnet"]
    security_group_ids = ["sg-0a1b2c3d"]
  }
  expect_failures = [var.subnet_ids]
}

run "a_policy_in_two_places_is_refused" {
  command = plan
  variables {
    policy_parameter_name = "/platform/policy"
    policy_text           = "[[budget]]\nname = \"day\"\n"
  }
  expect_failures = [var.policy_parameter_name]
}

run "what_a_company_may_not_ask_for_is_refused_all_at_once" {
  command = plan
  variables {
    policy_parameter_name    = "policy"
    people_topic_arn         = "people"
    chat_topic_arn           = "arn:aws:sqs:eu-central-1:123456789012:chat"
    pager_topic_arn          = "pager"
    watch_topic_arn          = "watch"
    permissions_boundary_arn = "Boundary"
    role_path                = "platform"
    key_arn                  = "alias/mine"
    schedule_group           = "my group"
    security_group_ids       = ["default"]
  }
  expect_failures = [var.policy_parameter_name, var.people_topic_arn, var.chat_topic_arn, var.pager_topic_arn, var.watch_topic_arn, var.permissions_boundary_arn, var.role_path, var.key_arn, var.schedule_group, var.security_group_ids]
}

run "as_installed_it_can_change_nothing" {
  command = apply

  assert {
    condition     = length(aws_iam_role_policy.act_by_tag) == 0 && length(aws_iam_role_policy.act_by_list) == 0
    error_message = "a read-only deployment must have no permission to change anything"
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.policy[0].value, "armed = false") && strcontains(aws_ssm_parameter.policy[0].value, "usd = 400")
    error_message = "the policy must be disarmed and hold the budget"
  }
  assert {
    condition     = aws_scheduler_schedule.tick.schedule_expression == "rate(1 minute)"
    error_message = "one minute is written in the singular"
  }
  assert {
    condition     = length(aws_cloudwatch_dashboard.spend) == 0 && length(aws_cloudwatch_metric_alarm.refused) == 0
    error_message = "what costs money beyond the tick is asked for"
  }
}

run "armed_by_tag" {
  command = apply
  variables {
    permissions  = "act"
    armed        = true
    mode         = "cap"
    tick_minutes = 5
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.act_by_tag[0].policy, "aws:ResourceTag/dow-guard") && length(aws_iam_role_policy.act_by_list) == 0
    error_message = "without a list the tag decides"
  }
  assert {
    condition     = aws_scheduler_schedule.tick.schedule_expression == "rate(5 minutes)" && strcontains(aws_ssm_parameter.policy[0].value, "tick_s = 300")
    error_message = "the schedule and the policy's tick are the same"
  }
}

run "armed_by_list" {
  command = apply
  variables {
    permissions = "act"
    guarded_function_arns = [
      "arn:aws:lambda:eu-central-1:123456789012:function:orders-*",
      "arn:aws:lambda:eu-central-1:123456789012:function:thumbnails",
    ]
  }

  assert {
    condition     = tolist(jsondecode(aws_iam_role_policy.act_by_list[0].policy).Statement[0].Resource) == tolist(concat(var.guarded_function_arns, [for arn in var.guarded_function_arns : "${arn}:*"]))
    error_message = "the list and its aliases are the resource"
  }
}

run "everything_that_is_optional" {
  command = apply
  variables {
    metrics          = "all"
    dashboard        = true
    wake_concurrency = 800
    wake_invocations = 100000
    wake_topic       = true
    email            = "ops@example.org"
    topic_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.spend[0].dashboard_body).widgets) > 5
    error_message = "the dashboard is JSON with widgets"
  }
  assert {
    condition     = aws_sns_topic.watch[0].kms_master_key_id == var.topic_key_arn && aws_sns_topic.people[0].kms_master_key_id == var.topic_key_arn
    error_message = "a key of your own is for all topics"
  }
  assert {
    condition     = length(aws_iam_role_policy.key) == 1
    error_message = "the guard must be allowed to use the key"
  }
}

run "what_a_company_may_ask_for" {
  command = apply
  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    role_path                = "/platform/"
    key_arn                  = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    subnet_ids               = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
    security_group_ids       = ["sg-0a1b2c3d"]
    people_topic_arn         = "arn:aws:sns:eu-central-1:123456789012:reports"
    chat_topic_arn           = "arn:aws:sns:eu-central-1:123456789012:chat"
    pager_topic_arn          = "arn:aws:sns:eu-central-1:123456789012:pager"
    watch_topic_arn          = "arn:aws:sns:eu-central-1:123456789012:watch"
    policy_parameter_name    = "/platform/dow-guard/policy"
    schedule_group           = "platform"
    log_days                 = 3653
  }

  assert {
    condition     = length(aws_sns_topic.people) + length(aws_sns_topic.chat) + length(aws_sns_topic.pager) + length(aws_sns_topic.watch) + length(aws_sns_topic_policy.guard) + length(aws_sns_topic_policy.watch) + length(aws_ssm_parameter.policy) == 0
    error_message = "what is there already is not made"
  }
  assert {
    condition     = aws_iam_role.guard.permissions_boundary == var.permissions_boundary_arn && aws_iam_role.schedule.path == "/platform/"
    error_message = "boundary and path are of both roles"
  }
  assert {
    condition     = aws_lambda_function.guard.kms_key_arn == var.key_arn && aws_cloudwatch_log_group.guard.kms_key_id == var.key_arn && one(aws_dynamodb_table.memory.server_side_encryption).kms_key_arn == var.key_arn
    error_message = "the key is for table, log and environment"
  }
  assert {
    condition     = endswith(jsondecode(aws_iam_role_policy.policy.policy).Statement[0].Resource, ":parameter/platform/dow-guard/policy") && aws_scheduler_schedule.tick.group_name == "platform"
    error_message = "the parameter of yours is the one that may be read"
  }
  assert {
    condition     = length(one(aws_lambda_function.guard.vpc_config).subnet_ids) == 2 && length(aws_iam_role_policy.vpc) == 1 && length(aws_iam_role_policy.own_key) == 1
    error_message = "a function in a VPC may connect to it"
  }
}
