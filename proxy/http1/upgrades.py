"""Which protocols an upgrade may lead to: those that the client named, and no other (RFC 9110 §7.8)."""

from __future__ import annotations


def was_offered(offered: bytes, chosen: bytes) -> bool:
    """Whether every protocol of a 101 is among those of the request; both are values of `Upgrade`.

    Names are compared whatever their case. Versions are compared if both sides state one.
    """
    names = _protocols(chosen)
    return bool(names) and all(any(_same(name, other) for other in _protocols(offered)) for name in names)


def _protocols(value: bytes) -> list[tuple[bytes, bytes]]:
    """Name and version, empty without one, of each protocol in the list."""
    found = [item.strip(b" \t").lower().partition(b"/") for item in value.split(b",")]
    return [(name, version) for name, _, version in found if name]


def _same(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> bool:
    return one[0] == other[0] and (one[1] == other[1] or not one[1] or not other[1])
