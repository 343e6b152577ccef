# The policy in SSM.

locals {
  policy_of_variables = <<-TOML
    # Written by the deployment of ${var.name}. For more than this, deploy with a policy of your own.
    armed = ${var.armed}

    [timing]
    tick_s = ${local.tick_seconds}

    [[budget]]
    name = "account"
    period = "month"
    usd = ${var.monthly_budget_usd}
    mode = "${var.mode}"
  TOML

  policy_parameter = var.policy_parameter_name != "" ? var.policy_parameter_name : "/${var.name}/policy"

  policy_text = var.policy_text != "" ? var.policy_text : local.policy_of_variables
}

resource "aws_ssm_parameter" "policy" {
  count       = var.policy_parameter_name == "" ? 1 : 0
  name        = "/${var.name}/policy"
  description = "What DoW Guard may let happen, and what it may do about it. TOML."
  type        = "String"
  tier        = length(local.policy_text) > 4096 ? "Advanced" : "Standard" # $0.05 a month
  value       = local.policy_text
  tags        = var.tags
}
