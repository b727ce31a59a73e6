# Everything of the orders API's edge.

terraform {
  required_version = ">= 1.5" # aws_api_gateway_client_certificate.orders
}

/*
 * Who we are, to the backend. "aws_api_gateway_client_certificate.orders" is no reference here.
 */
# checkov:skip=CKV2_AWS_51: asked for
resource "aws_api_gateway_client_certificate" "orders" { # one
  # two
  provider    = aws.edge // three
  description = "orders" /* four */

  tags = {
    Owner = "edge" # five
    Note  = "brace } and # no comment"
  }

  lifecycle {
    # six
    prevent_destroy = false
  }
} # seven

// The stage.
resource "aws_api_gateway_stage" "prod" {
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id # eight: aws_api_gateway_client_certificate.orders.id
  depends_on            = [aws_api_gateway_client_certificate.orders] # nine
}
