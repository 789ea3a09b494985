"""The names in certificates, and the names that they are valid for."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

WILDCARD = "*."


def is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def covers(names: Collection[str], name: str) -> bool:
    """Return whether a certificate for `names` is valid for `name`, all in lower case.

    A wildcard stands for one label (RFC 6125 §6.4.3).
    """
    if name in names:
        return True
    first, dot, rest = name.partition(".")
    return bool(dot) and first != "*" and WILDCARD + rest in names and not is_address(name)
