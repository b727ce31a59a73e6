"""Run tfcert without an AWS account: an embedded AWS and the example that the demo runs on it."""
