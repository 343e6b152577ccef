# The memory: what to restore is in here, so it outlives a mistaken destroy.

resource "aws_dynamodb_table" "memory" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  dynamic "server_side_encryption" {
    for_each = local.has_own_key ? [1] : []
    content {
      enabled     = true
      kms_key_arn = var.key_arn
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  # Free, and without effect on items that have no such attribute, as those of today: what is to be restored must not
  # expire.
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }
}
