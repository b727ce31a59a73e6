"""Join documents and the answers of AWS into cases; scopes, succession and scans."""
