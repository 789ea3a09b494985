"""Checks that a server upgrades only to protocols that the client offered (RFC 9110 §7.8)."""

from __future__ import annotations


def was_offered(offered: bytes, chosen: bytes) -> bool:
    """Return whether every protocol of a 101 was in the request; both are values of `Upgrade`.

    The comparison ignores the case of names, and compares versions if both sides state one.
    """
    names = _protocols(chosen)
    return bool(names) and all(any(_matches(name, other) for other in _protocols(offered)) for name in names)


def _protocols(value: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and version of each protocol in the list; the version may be empty."""
    found = [item.strip(b" \t").lower().partition(b"/") for item in value.split(b",")]
    return [(name, version) for name, _, version in found if name]


def _matches(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> bool:
    return one[0] == other[0] and (one[1] == other[1] or not one[1] or not other[1])
