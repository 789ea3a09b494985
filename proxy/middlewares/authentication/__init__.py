"""Middlewares that want credentials, and check them here or ask an authentication server."""
