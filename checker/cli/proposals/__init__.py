"""`tfcert propose`: read the base branch's text, judge it, and keep one request a phase."""
