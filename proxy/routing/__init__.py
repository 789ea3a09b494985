"""Finds the router of a request: by host, then by path, in constant time; then it tests the whole rule."""
