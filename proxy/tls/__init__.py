"""Certificates and TLS contexts of entry points."""
