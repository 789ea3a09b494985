"""The sections of a stored configuration: each is a hash in the store, and a field of State and Change."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from rondpoint.model import Middleware, Router, Service
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpService

SECTIONS: dict[str, type[Struct]] = {
    "certificates": Certificate,
    "tls_options": TlsOptions,
    "services": Service,
    "middlewares": Middleware,
    "routers": Router,
    "tcp_services": TcpService,
    "tcp_middlewares": Middleware,
    "tcp_routers": TcpRouter,
    "udp_services": UdpService,
    "udp_routers": UdpRouter,
}
"""The type of the objects of each section. Objects refer only to those of sections before."""


def sections_of(configuration: object) -> dict[str, Any]:
    """Return what a State, a Configuration or a Change has for each section, or PublishedKeys as its key."""
    return {name: getattr(configuration, name) for name in SECTIONS}
