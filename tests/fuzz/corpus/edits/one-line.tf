resource "aws_api_gateway_client_certificate" "orders" { description = "made 2025-11-30, expires 2026-11-30" }
resource aws_api_gateway_stage prod { client_certificate_id = aws_api_gateway_client_certificate.orders.id }
