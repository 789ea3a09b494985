"""Traefik 3's middlewares as data: which options each kind has, and which kinds the proxy serves."""
