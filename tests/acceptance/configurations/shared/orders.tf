# Orders: a proxy to the backend.

resource "aws_api_gateway_rest_api" "orders" {
  name = "orders"
}

resource "aws_api_gateway_method" "orders" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  resource_id   = aws_api_gateway_rest_api.orders.root_resource_id
  http_method   = "POST"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "orders" {
  rest_api_id             = aws_api_gateway_rest_api.orders.id
  resource_id             = aws_api_gateway_rest_api.orders.root_resource_id
  http_method             = aws_api_gateway_method.orders.http_method
  type                    = "HTTP_PROXY"
  integration_http_method = "POST"
  uri                     = "https://backend.example.com/orders"
}

resource "aws_api_gateway_deployment" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id

  triggers = {
    redeployment = sha1(jsonencode([aws_api_gateway_method.orders.id, aws_api_gateway_integration.orders.id]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

# The one stage of orders.
resource "aws_api_gateway_stage" "orders" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  deployment_id = aws_api_gateway_deployment.orders.id
  stage_name    = "prod"

  # The backend refuses whoever does not show this.
  client_certificate_id = aws_api_gateway_client_certificate.backend.id # see certificates.tf
}
