"""The names, in routing tables, of the requests of an entry point that its own name does not stand for."""

from __future__ import annotations


def over_tls(entry_point: str) -> str:
    """Return the name for TLS requests of an entry point that serves plain requests, too.

    No entry point itself can have such a name.
    """
    return f"{entry_point} over TLS"


def without_tls(entry_point: str) -> str:
    """Return the name for plain requests of an entry point whose routers all use TLS: no route has it."""
    return f"{entry_point} without TLS"
