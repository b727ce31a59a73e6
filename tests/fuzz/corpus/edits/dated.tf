# The orders certificate, expires 2026-12-05.
# checkov:skip=CKV2_AWS_51: asked for
resource "aws_api_gateway_client_certificate" "orders" {
  description = "orders, expires 2026-12-05" # see the calendar
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
