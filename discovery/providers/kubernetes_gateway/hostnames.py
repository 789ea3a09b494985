"""Hostnames of listeners and routes, of which `*.a.test` stands for all names below `a.test`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from msgspec import Struct

from rondpoint.rules.quoted import quote


class ServedHost(Struct, frozen=True):
    """A hostname, empty for all, without the names in `others`, which belong to more specific listeners."""

    name: str
    others: tuple[str, ...] = ()


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


def more_specific(own: str, hostnames: Collection[str]) -> tuple[str, ...]:
    """Return those hostnames of listeners that are a part of a listener's own, without parts of others."""
    own = own.lower()
    parts = {name for name in map(str.lower, hostnames) if name not in ("", own) and _is_part(name, own)}
    return tuple(sorted(name for name in parts if not any(_is_part(name, each) for each in parts - {name})))


def isolate(hostnames: Sequence[str], others: Sequence[str]) -> tuple[ServedHost, ...]:
    """Return hostnames without the names in `others`, which belong to more specific listeners.

    No hostnames stand for all.
    """
    return tuple(
        ServedHost(name, tuple(other for other in others if _is_part(other, name)))
        for name in hostnames or ("",)
        if not any(_is_part(name, other) for other in others)
    )


def _is_part(name: str, whole: str) -> bool:
    """Return whether all requests for a hostname are requests for the whole, too."""
    return not whole or (bool(name) and _narrower(name, whole) == name)


def host_rule(hostname: str) -> str:
    """Return the rule for a hostname; empty for an empty one."""
    if not hostname:
        return ""
    if not hostname.startswith("*."):
        return f"Host({quote(hostname)})"
    return f"HostRegexp({quote(_names_below(hostname))})"


def server_name_rule(host: ServedHost) -> str:
    """Return the rule of TCP routers for the server names of a host, with all names below a wildcard."""
    return " && ".join((_server_name(host.name), *(f"!{_server_name(other)}" for other in host.others)))


def _server_name(hostname: str) -> str:
    # HostSNI has wildcards for one label only.
    if not hostname.startswith("*."):
        return f"HostSNI({quote(hostname or '*')})"
    return f"HostSNIRegexp({quote(_names_below(hostname))})"


def _names_below(wildcard: str) -> str:
    return rf"^[a-z0-9.-]+\.{re.escape(wildcard[2:])}$"
