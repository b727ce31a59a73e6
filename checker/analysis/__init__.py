"""Join documents and answers into cases; scopes, succession and scans."""
