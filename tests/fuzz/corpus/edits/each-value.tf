resource "aws_api_gateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

locals {
  stages = {
    blue  = { certificate = aws_api_gateway_client_certificate.orders.id, throttle = 10 }
    green = { certificate = aws_api_gateway_client_certificate.orders.id, throttle = 20 }
    bare  = { certificate = null, throttle = 5 }
  }
}

resource "aws_api_gateway_stage" "prod" {
  for_each = local.stages

  stage_name            = each.key
  client_certificate_id = each.value.certificate
}

resource "aws_api_gateway_stage" "direct" {
  for_each = {
    one = { certificate = aws_api_gateway_client_certificate.orders.id }
  }

  stage_name            = each.key
  client_certificate_id = lookup(each.value, "certificate", null)
}
