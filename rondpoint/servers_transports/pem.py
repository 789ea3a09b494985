"""Tells PEM texts from names of files."""

from __future__ import annotations


def is_pem(text: str) -> bool:
    """Return whether the value of an option is PEM text; otherwise it is the name of a file."""
    return "-----BEGIN" in text
