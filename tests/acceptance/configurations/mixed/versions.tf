# Who talks to AWS, and as whom.

terraform {
  required_version = ">= 1.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
  }
}

variable "aws_endpoint" {
  description = "Where the API of AWS answers."
  type        = string
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = false
  max_retries                 = 2

  endpoints {
    apigateway   = var.aws_endpoint
    apigatewayv2 = var.aws_endpoint
    sts          = var.aws_endpoint
    iam          = var.aws_endpoint
  }

  default_tags {
    tags = {
      team = "platform" # who pays
    }
  }
}
