"""Ejects unreachable servers in this worker at once, and in all other workers through the store."""
