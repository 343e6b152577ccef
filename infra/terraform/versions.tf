# Works with OpenTofu as well; nothing newer than these is used.
terraform {
  required_version = ">= 1.9" # validation blocks that look at other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
    }
  }
}
