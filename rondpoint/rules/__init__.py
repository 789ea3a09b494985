"""The two rule languages of Traefik (v1 and v3), parsed to one expression tree."""
