"""What shows tfcert at work without an AWS account: an embedded AWS, and the story that is told on it."""
