"""Traefik 3's middlewares as data: the options of each kind, and the kinds that the proxy serves."""
