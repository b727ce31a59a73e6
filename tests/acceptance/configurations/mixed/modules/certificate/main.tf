# A certificate of its own, handed out by an output.

resource "aws_api_gateway_client_certificate" "main" {
  description = "invoices"
}

output "id" {
  value = aws_api_gateway_client_certificate.main.id
}
