# The least: one budget for the region, reports to one address. It watches and can change nothing.

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

  package            = "${path.module}/../../../../target/lambda/guard-fn/bootstrap.zip"
  monthly_budget_usd = 400
  email              = "ops@example.org"
}

output "release_command" {
  description = "How to take back a cap."
  value       = module.dow_guard.release_command
}
