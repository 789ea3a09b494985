"""Shared parts of all decoders: their result, readers of option values, and reports of diagnostics."""
