"""Servers that cannot be reached are put aside: here at once, and through the store in every other worker."""
