# Changing: guarded functions alone, and only where permissions is act. Never itself.

resource "aws_iam_role_policy" "act_by_tag" {
  count  = local.acts && !local.has_list ? 1 : 0
  name   = "act-by-tag"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/act-by-tag.json", local.places)
}

resource "aws_iam_role_policy" "act_by_list" {
  count  = local.acts && local.has_list ? 1 : 0
  name   = "act-by-list"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/act-by-list.json", local.places)
}

resource "aws_iam_role_policy" "not_itself" {
  name   = "not-itself"
  role   = aws_iam_role.guard.id
  policy = templatefile("${path.module}/iam/not-itself.json", local.places)
}
