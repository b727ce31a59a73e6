"""Read tfcert.toml into a policy."""
