"""The names of canaries, which have a router and a service of their own, as in Traefik."""

from __future__ import annotations

from collections.abc import Iterable

_OFFSET = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_BITS = 0xFFFFFFFFFFFFFFFF


def canary_name(service: str, tags: Iterable[str]) -> str:
    """Return the name of the service followed by a hash (FNV-1, 64 bits) of its sorted tags."""
    found = _OFFSET
    for byte in "".join(sorted(tags)).encode():
        found = (found * _PRIME & _BITS) ^ byte
    return f"{service}-{found}"
