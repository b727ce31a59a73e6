resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = "${aws_api_gateway_client_certificate.orders.id}"
  description           = "shows ${ aws_api_gateway_client_certificate.orders.id }, not $${aws_api_gateway_client_certificate.orders.id}"
}
