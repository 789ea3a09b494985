"""The rule languages of Traefik 1, 2 and 3, parsed to one expression tree."""
