// Payments: two stages of one kind, "blue" and "grün" (with an umlaut in this comment alone).

locals {
  payment_stages = toset(["blue", "green"])
}

resource "aws_api_gateway_rest_api" "payments" {
  name = "payments"
}

resource "aws_api_gateway_method" "payments" {
  rest_api_id   = aws_api_gateway_rest_api.payments.id
  resource_id   = aws_api_gateway_rest_api.payments.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "payments" {
  rest_api_id = aws_api_gateway_rest_api.payments.id
  resource_id = aws_api_gateway_rest_api.payments.root_resource_id
  http_method = aws_api_gateway_method.payments.http_method
  type        = "MOCK"

  request_templates = {
    "application/json" = <<-JSON
      {"statusCode": 200} # not a comment: a heredoc
    JSON
  }
}

resource "aws_api_gateway_deployment" "payments" {
  rest_api_id = aws_api_gateway_rest_api.payments.id

  triggers = {
    redeployment = sha1(jsonencode([aws_api_gateway_method.payments.id, aws_api_gateway_integration.payments.id]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "payments" {
  for_each = local.payment_stages # one a colour

  rest_api_id           = aws_api_gateway_rest_api.payments.id
  deployment_id         = aws_api_gateway_deployment.payments.id
  stage_name            = each.key
  client_certificate_id = aws_api_gateway_client_certificate.backend.id
  tags                  = { colour = each.key }
}

# What the backend trusts.
output "backend_certificate" {
  value = aws_api_gateway_client_certificate.backend.pem_encoded_certificate /* one PEM */
}