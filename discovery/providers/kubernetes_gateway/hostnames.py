"""Hostnames of listeners and routes, of which `*.a.test` stands for all names below `a.test`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rondpoint.rules.quoted import quote


def intersect(listener: str, route: Sequence[str]) -> tuple[str, ...] | None:
    """Return the hostnames that a listener and a route share; empty for all, None if there are none.

    An empty hostname of the listener, or none of the route, stands for all.
    """
    names = tuple(str(name).lower() for name in route)
    own = listener.lower()
    if not own:
        return names
    if not names:
        return (own,)
    shared = tuple(dict.fromkeys(found for name in names if (found := _narrower(own, name))))
    return shared or None


def _narrower(one: str, other: str) -> str:
    """Return the hostname of which the other one is a part or equal; empty if they have no name in common."""
    if one == other or (other.startswith("*.") and one.endswith(other[1:])):
        return one
    return other if one.startswith("*.") and other.endswith(one[1:]) else ""


def host_rule(hostname: str) -> str:
    """Return the rule for a hostname; empty for an empty one."""
    if not hostname:
        return ""
    if not hostname.startswith("*."):
        return f"Host({quote(hostname)})"
    expression = rf"^[a-z0-9.-]+\.{re.escape(hostname[2:])}$"
    return f"HostRegexp({quote(expression)})"
