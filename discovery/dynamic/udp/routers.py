"""Decodes routers of the `udp` section, which have neither rules nor middlewares."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from rondpoint.rules.suggestions import find_nearest
from rondpoint.udp.model import UdpRouter

OPTIONS = ("entryPoints", "service")
_GUARDS = ("middlewares", "rule", "tls")
"""Options of other routers, which may be meant to limit what this one takes."""


def decode_router(
    name: str, section: Section, provider: str, default_service: str | None
) -> UdpRouter | None:
    """Decode the router `name`; it uses `default_service` if it names none.

    Report an error and return None if the router would take more than its author meant.
    """
    report = section.report
    entry_points = section.read("entryPoints", values.texts, None)
    service = section.read("service", values.text, None) if section.has("service") else default_service
    unreadable = section.has("entryPoints") and entry_points is None
    guards = [option for option in section.unread if find_nearest(option, (*OPTIONS, *_GUARDS)) in _GUARDS]
    for option in guards:
        message = f"{report.at(section.key(option))} is for HTTP and TCP routers, so the router is left out"
        report.error(message, "remove it: a UDP router takes every datagram of its entry points")
        section.has(option)
    section.finish()
    if not service or unreadable or guards:
        return None
    return UdpRouter(qualify(name, provider), qualify(service, provider), entry_points or ())
