terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
  }
}

variable "aws_endpoint" {
  type = string
}

variable "content" {
  type    = string
  default = "1"
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
}

resource "aws_api_gateway_rest_api" "orders" {
  name = "orders"
}

resource "aws_api_gateway_method" "orders" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  resource_id   = aws_api_gateway_rest_api.orders.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  resource_id = aws_api_gateway_rest_api.orders.root_resource_id
  http_method = aws_api_gateway_method.orders.http_method
  type        = "MOCK"
}

# The argument stage_name makes the deployment a second owner of the stage.
resource "aws_api_gateway_deployment" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  stage_name  = "live"

  triggers = {
    content = var.content
  }

  depends_on = [aws_api_gateway_integration.orders]
}

resource "aws_api_gateway_client_certificate" "orders" {
  description = "orders to its backend"
}
