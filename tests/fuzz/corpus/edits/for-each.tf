resource "aws_api_gateway_client_certificate" "orders" {
  for_each = toset(["blue", "green"])

  description = "orders ${each.key}"
}

resource "aws_api_gateway_stage" "prod" {
  for_each = {
    blue  = "b"
    green = "g"
  }

  stage_name            = each.value
  client_certificate_id = aws_api_gateway_client_certificate.orders[each.key].id
}
