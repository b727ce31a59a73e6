resource "aws_api_gateway_client_certificate" "orders" {
  count       = var.enabled && var.certificate ? 1 : 0
  description = "orders"
}

resource "aws_api_gateway_stage" "prod" {
  count = var.enabled ? 1 : 0

  stage_name            = "prod"
  client_certificate_id = var.certificate ? element(concat(aws_api_gateway_client_certificate.orders.*.id, [""]), 0) : null
}

output "client_certificate_id" {
  value = length(aws_api_gateway_client_certificate.orders) > 0 ? aws_api_gateway_client_certificate.orders.*.id[0] : ""
}
