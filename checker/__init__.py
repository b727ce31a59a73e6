"""tfcert: find API Gateway client certificates near their end, and write patches to rotate them."""
