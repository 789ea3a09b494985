"""Decodes the `tcp` section of Traefik 3 trees."""
