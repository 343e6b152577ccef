# Its own: memory, policy, topics, log; and keys and subnets of yours.

resource "aws_iam_role_policy" "memory" {
  name   = "memory"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/memory.json", local.places)
}

resource "aws_iam_role_policy" "policy" {
  name   = "policy"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/policy.json", local.places)
}

resource "aws_iam_role_policy" "alert" {
  name   = "alert"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/alert.json", local.places)
}

resource "aws_iam_role_policy" "logs" {
  name   = "logs"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/logs.json", local.places)
}

resource "aws_iam_role_policy" "key" {
  count  = local.has_key ? 1 : 0
  name   = "key"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/key.json", local.places)
}

resource "aws_iam_role_policy" "own_key" {
  count  = local.has_own_key ? 1 : 0
  name   = "own-key"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/own-key.json", local.places)
}

resource "aws_iam_role_policy" "vpc" {
  count  = local.has_vpc ? 1 : 0
  name   = "vpc"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/vpc.json", local.places)
}
