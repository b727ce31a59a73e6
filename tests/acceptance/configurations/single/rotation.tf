resource "aws_api_gateway_client_certificate" "orders" {
  description = "orders to its backend"
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

resource "aws_api_gateway_stage" "test" {
  count = 2

  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "test${count.index}"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

# Behind another kind of backend, which asks for no certificate.
resource "aws_api_gateway_stage" "open" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  deployment_id = aws_api_gateway_deployment.orders.id
  stage_name    = "open"
}
