# Every way at once in which a stage comes to its certificate.

variable "secure" {
  type    = bool
  default = true
}

# Through a local value, and a conditional over several lines.
resource "aws_api_gateway_client_certificate" "orders" {
  count       = var.secure ? 1 : 0
  description = "orders"
}

locals {
  orders = (
    var.secure
    ? aws_api_gateway_client_certificate.orders[0].id # the only one
    : null
  )
}

# One a team, chained by key.
resource "aws_api_gateway_client_certificate" "team" {
  for_each    = toset(["blue", "g.reen"])
  description = "team ${each.key}"

  tags = { team = each.key }
}

# Splat, in quotes, and in a map of ids.
resource "aws_api_gateway_client_certificate" "legacy" { description = "legacy" }

module "invoices_certificate" {
  source = "./modules/certificate"
}

module "api" {
  source = "./modules/api"
  name   = "everything"

  stages = {
    orders   = local.orders
    blue     = aws_api_gateway_client_certificate.team["blue"].id
    green    = aws_api_gateway_client_certificate.team["g.reen"].id
    legacy   = "${aws_api_gateway_client_certificate.legacy.id}"
    splat    = element(concat(aws_api_gateway_client_certificate.legacy.*.id, [""]), 0)
    invoices = module.invoices_certificate.id
    tried    = try(aws_api_gateway_client_certificate.orders[0].id, null)
    nothing  = null
  }
}

# A stage beside the module, in the API that the module makes.
resource "aws_api_gateway_stage" "team" {
  for_each = { for team, certificate in aws_api_gateway_client_certificate.team : replace(team, ".", "") => certificate.id }

  rest_api_id           = module.api.api.id
  deployment_id         = module.api.api.deployment
  stage_name            = "team-${each.key}"
  client_certificate_id = each.value
}

resource "aws_apigatewayv2_api" "chat" {
  name                       = "chat"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}

resource "aws_apigatewayv2_stage" "chat" {
  api_id                = aws_apigatewayv2_api.chat.id
  name                  = "live"
  client_certificate_id = coalesce(local.orders, aws_api_gateway_client_certificate.legacy.id)
}

output "trust" {
  value = <<-PEM
    ${aws_api_gateway_client_certificate.legacy.pem_encoded_certificate}
  PEM
}
