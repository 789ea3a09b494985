"""TLS with clients, as agents publish it and proxies serve it."""
