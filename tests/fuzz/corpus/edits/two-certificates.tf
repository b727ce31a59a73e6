resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

resource "aws_api_gateway_client_certificate" "billing" {
}

resource "aws_api_gateway_stage" "billing" {
  client_certificate_id = aws_api_gateway_client_certificate.billing.id
}
