resource "aws_api_gateway_client_certificate" "orders" {
  count = 1
}

resource "aws_api_gateway_stage" "prod" {
  client_certificate_id = element(concat(aws_api_gateway_client_certificate.orders.*.id, [""]), 0)
}

resource "aws_api_gateway_stage" "test" {
  client_certificate_id = length(var.ids) > 0 ? element(var.ids, 0) : aws_api_gateway_client_certificate.orders[*].id[0]
}

resource "aws_api_gateway_stage" "load" {
  client_certificate_id = try(one(aws_api_gateway_client_certificate.orders).id, null)
}
