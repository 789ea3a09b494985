"""Limits that all workers of all instances hold together: rates, and requests in flight."""
