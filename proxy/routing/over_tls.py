"""The name, in routing tables, of the TLS requests of an entry point that serves plain requests too."""

from __future__ import annotations


def over_tls(entry_point: str) -> str:
    """Return the name for TLS requests of `entry_point`; no entry point itself can have such a name."""
    return f"{entry_point} over TLS"
