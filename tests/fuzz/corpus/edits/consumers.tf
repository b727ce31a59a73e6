resource "aws_api_gateway_client_certificate" "orders" {
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}

resource "aws_ssm_parameter" "pem" {
  value = aws_api_gateway_client_certificate.orders.pem_encoded_certificate
}

resource "aws_s3_object" "pems" {
  content = join("\n", [aws_api_gateway_client_certificate.orders.pem_encoded_certificate, ""])
}
