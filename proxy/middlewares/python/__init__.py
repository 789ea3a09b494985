"""Middlewares in Python: a function of the user, between a request and its response."""
