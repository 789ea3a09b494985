"""Names the objects that routers and services refer to."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding.decoded import Decoded
from rondpoint.model import Router, Service
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService

Referring = Router | Service | TcpRouter | TcpService | UdpRouter | UdpService
"""An object that may refer to others."""

_FIELDS = {"routers": "parentRefs", "services": "service", "middlewares": "middlewares"}


def referring_objects(part: Decoded) -> Iterator[Referring]:
    """Yield all routers and services."""
    yield from part.routers
    yield from part.services
    yield from part.tcp_routers
    yield from part.tcp_services
    yield from part.udp_routers
    yield from part.udp_services


def references_of(item: Referring) -> Iterator[tuple[str, str]]:
    """Yield the section of `Configuration` and the qualified name of each object that `item` refers to."""
    match item:
        case Router():
            if item.service:
                yield "services", item.service
            yield from (("routers", name) for name in item.parents)
            yield from (("middlewares", name) for name in item.middlewares)
        case Service():
            yield from (("services", name) for name in item.service_names)
            yield from (("middlewares", name) for name in item.middlewares)
        case TcpRouter():
            yield "tcp_services", item.service
            yield from (("tcp_middlewares", name) for name in item.middlewares)
        case TcpService():
            yield from (("tcp_services", member.name) for member in item.members)
        case UdpRouter():
            yield "udp_services", item.service
        case UdpService():
            yield from (("udp_services", member.name) for member in item.members)


def field_of(section: str) -> str:
    """Return the field of a router that refers to objects of this section of `Configuration`."""
    return _FIELDS[section.rpartition("_")[2]]


def is_router(item: Referring) -> bool:
    """Return whether the object is a router, and no service."""
    return isinstance(item, Router | TcpRouter | UdpRouter)
