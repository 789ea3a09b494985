"""Reads the options of connections to servers that services and servers transports share."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.middlewares.readers import between
from rondpoint.settings.values import parse_signed_duration
from rondpoint.tcp.model import ProxyProtocolVersion

LATEST: ProxyProtocolVersion = 2
"""The version of the PROXY protocol if none is given, as in Traefik."""

version = between(1, 2)


def read_proxy_protocol(outer: Section) -> ProxyProtocolVersion | None:
    """Read `proxyProtocol`, a switch or a version; return 0 without it, and None after reporting a fault."""
    raw = outer.raw("proxyProtocol")
    if raw is None:
        return 0
    if isinstance(raw, (str, bool)):
        switch = outer.read("proxyProtocol", values.boolean, None)
        return None if switch is None else LATEST if switch else 0
    section = outer.section("proxyProtocol")
    if section is None:
        return None
    given = section.has("version")
    found = section.read("version", version, None) if given else LATEST
    misspelt = section.misspelt(("version",), "version")
    section.finish()
    if found is None or misspelt:
        return None
    return 1 if found == 1 else LATEST


def signed_duration(value: object) -> float:
    """A duration; a negative one is allowed."""
    return parse_signed_duration(value)


def milliseconds(value: object) -> float:
    """A whole number of milliseconds; a negative one is no limit."""
    return values.integer(value) / 1000
