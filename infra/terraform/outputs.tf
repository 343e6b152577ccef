# The names are those of the SAM template in snake case.

output "guard_function_arn" {
  description = "The guard. Whoever may invoke it is an operator."
  value       = aws_lambda_function.guard.arn
}

output "release_command" {
  description = "How to take back a cap."
  value       = "aws lambda invoke --region ${local.region} --function-name ${var.name} --cli-binary-format raw-in-base64-out --payload '{\"command\":\"release\",\"function\":\"NAME\"}' /dev/stdout"
}

output "policy_parameter" {
  description = "Where the policy is."
  value       = local.policy_parameter
}

output "memory_table" {
  description = "Where the guard remembers what to restore."
  value       = aws_dynamodb_table.memory.name
}

output "people_topic_arn" {
  description = "Reports for people."
  value       = local.people_topic
}

output "chat_topic_arn" {
  description = "Reports for chat, see ../chat/slack.yaml."
  value       = local.chat_topic
}

output "pager_topic_arn" {
  description = "Alarms for a pager, in the form of CloudWatch."
  value       = local.pager_topic
}

output "watch_topic_arn" {
  description = "Alarms about the guard itself."
  value       = local.watch_topic
}

output "hint_topic_arn" {
  description = "Where AWS Budgets and Cost Anomaly Detection send, if wake_topic is true; otherwise null."
  value       = one(aws_sns_topic.hints[*].arn)
}
