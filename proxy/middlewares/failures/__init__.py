"""Middlewares for requests that fail: circuit breakers, retries and error pages."""
