"""Decodes Traefik 1's frontends and backends in files and key-value stores, and their options in labels."""
