resource "awscc_apigateway_client_certificate" "orders" {
  description = "what the orders API shows its backend"
}

resource "awscc_apigateway_stage" "prod" {
  rest_api_id           = awscc_apigateway_rest_api.orders.id
  stage_name            = "prod"
  client_certificate_id = awscc_apigateway_client_certificate.orders.client_certificate_id
}
