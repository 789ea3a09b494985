"""Bytes against the real worker: what the client gets, and what the origin saw of it."""
