resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = (
    # aws_api_gateway_client_certificate.orders.id only where the backend asks for one
    var.mutual /* aws_api_gateway_client_certificate.orders.id */
    ? aws_api_gateway_client_certificate.orders.id // the usual way
    : null
  )
}
