resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

locals {
  certificate = aws_api_gateway_client_certificate.orders.id
  shown       = var.mutual ? local.certificate : null
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = local.shown
}
