"""Explains which TCP router takes a connection, or why none does: pure functions, like those for requests."""
