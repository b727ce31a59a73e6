# What all stages of a made configuration share.

variable "on" {
  type    = bool
  default = true
}

resource "aws_api_gateway_rest_api" "shared" {
  name = "shared"
}

resource "aws_api_gateway_method" "shared" {
  rest_api_id   = aws_api_gateway_rest_api.shared.id
  resource_id   = aws_api_gateway_rest_api.shared.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "shared" {
  rest_api_id = aws_api_gateway_rest_api.shared.id
  resource_id = aws_api_gateway_rest_api.shared.root_resource_id
  http_method = aws_api_gateway_method.shared.http_method
  type        = "MOCK"
}

resource "aws_api_gateway_deployment" "shared" {
  rest_api_id = aws_api_gateway_rest_api.shared.id
  depends_on  = [aws_api_gateway_integration.shared]
}

locals {
  api = {
    id         = aws_api_gateway_rest_api.shared.id
    deployment = aws_api_gateway_deployment.shared.id
  }
}
