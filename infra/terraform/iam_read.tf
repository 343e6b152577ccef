# Reading: metrics and configuration.

resource "aws_iam_role_policy" "read" {
  name   = "read"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/read.json", local.places)
}
