resource "aws_api_gateway_client_certificate" "orders" {
  count = var.with_certificate ? 1 : 0

  description = "orders"
}

resource "aws_api_gateway_stage" "prod" {
  count = 2

  stage_name            = "prod${count.index}"
  client_certificate_id = var.with_certificate ? aws_api_gateway_client_certificate.orders[0].id : null
}
