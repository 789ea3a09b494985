"""Schemas of the middlewares of TCP routers; each of them refuses connections."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, kind
from rondpoint.middlewares.readers import amount, networks

_RANGES = {"sourceRange": Option(networks, required=True)}

KINDS: dict[str, Group] = {
    "inFlightConn": kind({"amount": Option(amount, required=True)}, guards=True),
    "ipAllowList": kind(_RANGES, guards=True),
    "ipWhiteList": kind(_RANGES, guards=True),
}
