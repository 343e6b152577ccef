# The guard's role. What it may do is in iam_read.tf, iam_act.tf and iam_own.tf.

resource "aws_iam_role" "guard" {
  name_prefix = "${var.name}-"
  path        = var.role_path
  description = "What the guard may do. Nothing in here changes anything unless permissions is act."
  tags        = var.tags

  permissions_boundary = var.permissions_boundary_arn != "" ? var.permissions_boundary_arn : null

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}
