# The module's API. The names are those of the SAM template in snake case; the defaults are the same.

variable "name" {
  description = "Name of the function and first part of every other name. One guard per name and region."
  type        = string
  default     = "dow-guard"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name))
    error_message = "name: 2 to 30 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "package" {
  description = "Path of the zip that holds the guard's bootstrap: cargo lambda build --release --locked --arm64 --output-format zip -p guard-fn"
  type        = string

  validation {
    condition     = fileexists(var.package)
    error_message = "package: there is no such file. Build it with: cargo lambda build --release --locked --arm64 --output-format zip -p guard-fn"
  }
}

variable "architecture" {
  description = "What the package was built for. arm64 costs a fifth less per second."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64."
  }
}

variable "monthly_budget_usd" {
  description = "What all Lambda functions of this region together may cost in a calendar month (UTC), in US dollars."
  type        = number

  validation {
    condition     = var.monthly_budget_usd >= 0.01 && var.monthly_budget_usd <= 1000000000
    error_message = "monthly_budget_usd: an amount in US dollars from 0.01 to 1000000000."
  }
}

variable "mode" {
  description = "The farthest the guard goes for this budget. Unless it is armed it only says what it would do."
  type        = string
  default     = "alert"

  validation {
    condition     = contains(["observe", "alert", "cap", "stop"], var.mode)
    error_message = "mode: observe, alert, cap or stop."
  }
}

variable "policy_text" {
  description = "A whole policy in TOML, in place of monthly_budget_usd, mode and armed; file(\"policy.toml\"), or base64gzip(file(\"policy.toml\")) for a large one. Check it first with `guard-fn policy check`."
  type        = string
  default     = ""

  validation {
    condition     = length(var.policy_text) <= 8192 && can(regex("^(|[\\s\\S]*\\n[\\s\\S]* [\\s\\S]*|[\\s\\S]* [\\s\\S]*\\n[\\s\\S]*|H4sI[A-Za-z0-9+/=]+)$", var.policy_text))
    error_message = "policy_text: a policy of several lines with spaces (a shorter text was cut on its way here), or the same packed by base64gzip; 8192 characters at most, which is what an advanced SSM parameter holds."
  }
}

variable "permissions" {
  description = "read-only leaves out every permission to change anything. act adds them, for guarded functions alone."
  type        = string
  default     = "read-only"

  validation {
    condition     = contains(["read-only", "act"], var.permissions)
    error_message = "permissions: read-only or act."
  }
}

variable "armed" {
  description = "Whether the guard carries out what it decides. Leave it off until its reports make sense to you."
  type        = bool
  default     = false

  validation {
    condition     = !var.armed || var.permissions == "act"
    error_message = "armed is true while permissions is read-only: an armed guard that may change nothing protects nothing. Set permissions to act, or armed to false."
  }
}

variable "guarded_function_arns" {
  description = "Functions the guard may change, by ARN without version; a trailing * is allowed. Empty: those tagged dow-guard=enforce."
  type        = list(string)
  default     = []

  validation {
    condition     = length(join(",", var.guarded_function_arns)) <= 1200
    error_message = "guarded_function_arns: 1200 characters at most, because IAM takes 10240 for all that a role may do. A trailing * names many."
  }

  validation {
    condition     = alltrue([for arn in var.guarded_function_arns : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+\\*?$", arn))])
    error_message = "guarded_function_arns: ARNs of functions without version or alias, such as arn:aws:lambda:eu-central-1:123456789012:function:orders-*."
  }
}

variable "email" {
  description = "Where reports and alarms go. AWS asks the address to confirm, twice: for reports and for alarms on the guard."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+)?$", var.email))
    error_message = "email: an address such as ops@example.org, or nothing."
  }
}

variable "topic_key_arn" {
  description = "A KMS key of your own for all topics ($1 a month). Empty: reports under alias/aws/sns at no cost (see ../README.md, Topics)."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.topic_key_arn))
    error_message = "topic_key_arn: the ARN of a KMS key (not of an alias), or nothing."
  }
}

variable "tick_minutes" {
  description = "Minutes between two looks. Metrics come by the minute, so less than one makes no sense."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2, 5, 10], var.tick_minutes)
    error_message = "tick_minutes: 1, 2, 5 or 10 minutes between two looks."
  }
}

variable "metrics" {
  description = "Custom metrics at $0.30 each a month: none, seven of the guard, or also five of each budget."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "guard", "all"], var.metrics)
    error_message = "metrics: none, guard or all."
  }
}

variable "dashboard" {
  description = "A CloudWatch dashboard, $3 a month beyond an account's first three. Needs metrics = \"all\"."
  type        = bool
  default     = false

  validation {
    condition     = !var.dashboard || var.metrics == "all"
    error_message = "dashboard is true while metrics is not all: it would be empty. Set metrics to all, or dashboard to false."
  }
}

variable "log_days" {
  description = "Days that the guard's log is kept. It is the only record of what was changed."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "reserve_concurrency" {
  description = "Reserve two units of concurrency, so that the guard ticks and answers in a saturated account. Say false where the account's limit is below 102."
  type        = bool
  default     = true
}

variable "prices" {
  description = "The price table that ships with the guard (embedded), or the public price list of AWS once a day (aws)."
  type        = string
  default     = "embedded"

  validation {
    condition     = contains(["embedded", "aws"], var.prices)
    error_message = "prices: embedded or aws."
  }
}

variable "wake_concurrency" {
  description = "An alarm wakes the guard when the region's concurrency is above this. 0: no alarm."
  type        = number
  default     = 0

  validation {
    condition     = var.wake_concurrency >= 0 && var.wake_concurrency <= 1000000 && floor(var.wake_concurrency) == var.wake_concurrency
    error_message = "wake_concurrency: a concurrency from 0 (no alarm) to 1000000."
  }
}

variable "wake_invocations" {
  description = "The same for the region's invocations in a minute."
  type        = number
  default     = 0

  validation {
    condition     = var.wake_invocations >= 0 && var.wake_invocations <= 1000000000 && floor(var.wake_invocations) == var.wake_invocations
    error_message = "wake_invocations: invocations in a minute from 0 (no alarm) to 1000000000."
  }
}

variable "wake_topic" {
  description = "A topic for AWS Budgets and Cost Anomaly Detection, whose messages make the guard look."
  type        = bool
  default     = false
}

variable "policy_parameter_name" {
  description = "An SSM parameter of yours that holds the policy (a SecureString under key_arn too), in place of one that is made here."
  type        = string
  default     = ""

  validation {
    condition     = var.policy_parameter_name == "" || var.policy_text == ""
    error_message = "policy_text and policy_parameter_name are both set: the policy would be in two places. Set one of them."
  }

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)*$", var.policy_parameter_name))
    error_message = "policy_parameter_name: the full name of an SSM parameter, such as /platform/dow-guard/policy, or nothing."
  }
}

variable "people_topic_arn" {
  description = "A topic of yours for reports. Empty: a topic is made."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.people_topic_arn))
    error_message = "people_topic_arn: the ARN of an SNS topic in this region, or nothing."
  }
}

variable "chat_topic_arn" {
  description = "The same for chat. Empty: a topic is made."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.chat_topic_arn))
    error_message = "chat_topic_arn: the ARN of an SNS topic in this region, or nothing."
  }
}

variable "pager_topic_arn" {
  description = "The same for a pager. Empty: a topic is made."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.pager_topic_arn))
    error_message = "pager_topic_arn: the ARN of an SNS topic in this region, or nothing."
  }
}

variable "watch_topic_arn" {
  description = "The same for alarms on the guard. Empty: a topic is made."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.watch_topic_arn))
    error_message = "watch_topic_arn: the ARN of an SNS topic in this region, or nothing."
  }
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary of both roles."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+)?$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of a managed policy, or nothing."
  }
}

variable "role_path" {
  description = "The path of both roles."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([A-Za-z0-9+=,.@_-]+/)*$", var.role_path))
    error_message = "role_path: a path that begins and ends with a slash, such as /platform/."
  }
}

variable "key_arn" {
  description = "A KMS key of your own for table, log and environment. Its key policy must let CloudWatch Logs use it."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.key_arn))
    error_message = "key_arn: the ARN of a KMS key (not of an alias), or nothing."
  }
}

variable "subnet_ids" {
  description = "Subnets for the function. They need a way to Lambda, CloudWatch, SNS, SSM and DynamoDB."
  type        = list(string)
  default     = []

  validation {
    condition     = (length(var.subnet_ids) == 0) == (length(var.security_group_ids) == 0)
    error_message = "subnet_ids or security_group_ids is set and the other is not: a function in a VPC has both. Set both or neither."
  }

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "subnet_ids: ids of subnets, such as subnet-0a1b2c3d, or nothing."
  }
}

variable "security_group_ids" {
  description = "Security groups for the function. They must let HTTPS out."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]{8,17}$", id))])
    error_message = "security_group_ids: ids of security groups, such as sg-0a1b2c3d, or nothing."
  }
}

variable "schedule_group" {
  description = "The group of schedules that the tick is in. It must exist."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[0-9A-Za-z_.-]{1,64}$", var.schedule_group))
    error_message = "schedule_group: the name of a group of schedules, 1 to 64 letters, digits, and . _ -."
  }
}

variable "deletion_protection" {
  description = "Keep the table of the guard's memory from being deleted by anybody. Turn it off before you destroy the module, which puts everything back first in any case."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything in here. A tag dow-guard = \"enforce\" would be read as a wish to be capped and is refused."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.tags), "dow-guard")
    error_message = "tags: the key dow-guard marks functions that the guard may change; the guard itself is none of them."
  }
}
