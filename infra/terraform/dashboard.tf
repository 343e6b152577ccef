# The dashboard: dashboard.json, with the region and the stage put in.

resource "aws_cloudwatch_dashboard" "spend" {
  count          = var.dashboard ? 1 : 0
  dashboard_name = var.name
  dashboard_body = templatefile("${path.module}/dashboard.json", { Region = local.region, Stage = var.name })
}
