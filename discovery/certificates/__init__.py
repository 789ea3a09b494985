"""Reads and checks the certificates, keys and authorities that dynamic configuration names."""
