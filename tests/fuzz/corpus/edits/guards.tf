variable "generate" {
  type    = bool
  default = true
}

resource "aws_api_gateway_client_certificate" "orders" {
  count = var.generate ? 1 : 0
}

locals {
  certified = can(aws_api_gateway_client_certificate.orders[0])
}

resource "aws_api_gateway_stage" "prod" {
  count = length(aws_api_gateway_client_certificate.orders) > 0 ? 1 : 0

  rest_api_id           = "api1"
  deployment_id         = "dep1"
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders[0] != null ? aws_api_gateway_client_certificate.orders[0].id : null

  lifecycle {
    precondition {
      condition     = local.certified && one(aws_api_gateway_client_certificate.orders) != null
      error_message = "The stage needs a certificate."
    }
  }
}

output "id" {
  value = length(aws_api_gateway_client_certificate.orders) > 0 ? aws_api_gateway_client_certificate.orders[0].id : ""
}

output "ends" {
  value = try(aws_api_gateway_client_certificate.orders[0].expiration_date, "")
}

output "pem" {
  value = length(aws_api_gateway_client_certificate.orders) > 0 ? aws_api_gateway_client_certificate.orders[0].pem_encoded_certificate : ""
}
