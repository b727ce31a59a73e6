# What the gateway shows to the backends behind it.
# Stages take aws_api_gateway_client_certificate.backend.id; this line speaks of it and is no reference.

/* Both APIs share one backend,
   and so one certificate. */

# Made by hand at first, then imported: ask #platform before you touch it.
resource "aws_api_gateway_client_certificate" "backend" { # presented by every stage
  provider    = aws.gateway // an alias
  description = "orders and payments, to their backend" # no date in here

  # Tags are how finance finds it.
  tags = {
    owner = "platform" /* a team, not a person */
    "cost:centre" = "4711"
  }

  lifecycle {
    create_before_destroy = true # an old habit
    # Somebody else's tool writes this one.
    ignore_changes = [tags["audited"]]
  }
}

# The end of the certificates.
