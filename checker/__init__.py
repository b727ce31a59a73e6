"""tfcert: finds API Gateway client certificates that near their end, and writes the patches that rotate them."""
