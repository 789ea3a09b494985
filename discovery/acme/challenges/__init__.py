"""Challenges of a CA (RFC 8555 §8), and what responds to them."""
