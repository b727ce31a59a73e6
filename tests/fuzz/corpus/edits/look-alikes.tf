resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

resource "aws_api_gateway_client_certificate" "orders_eu" {
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

resource "aws_api_gateway_stage" "eu" {
  client_certificate_id = aws_api_gateway_client_certificate.orders_eu.id
}

output "orders" {
  value = "orders: ${aws_api_gateway_client_certificate.orders_eu.id}"
}
