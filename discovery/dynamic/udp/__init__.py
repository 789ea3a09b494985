"""Decodes the `udp` section of Traefik 3 trees."""
