"""Combines definitions of one certificate: they differ in entry points, and in the issuers that they add."""

from __future__ import annotations

from msgspec.structs import replace

from rondpoint.tls.model import Certificate


def combine(one: Certificate, other: Certificate) -> Certificate:
    """Return `one` for the entry points of both, with the longer chain."""
    if one == other:
        return one
    everywhere = not one.entry_points or not other.entry_points
    entry_points = () if everywhere else tuple(dict.fromkeys((*one.entry_points, *other.entry_points)))
    chain = max(one.chain, other.chain, key=len)
    return replace(one, entry_points=entry_points, chain=chain)
