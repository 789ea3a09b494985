"""The result of decoding one container's labels or one file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from discovery.decoding.written_pair import WrittenPair
from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService
from rondpoint.tls.model import Certificate, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpService


def _no_keys() -> Mapping[str, str]:
    return MappingProxyType({})


class Decoded(Struct, frozen=True):
    """The objects that one container or one file defines; names are qualified (`hello@docker`).

    - `subject` names the container or file, as diagnostics do.
    - `services` hold the servers of this container or file only; `discovery.merging.union` joins them.
    - `implicit_routers` are the names of routers with an implicit service: neither the router nor a service
      label names one. `discovery.merging.union` may replace the implicit service. `implicit_tcp_routers` and
      `implicit_udp_routers` are the same for these protocols.
    - `keys` maps each object to the key under which it was written, for messages about conflicts:
      `routers.hello@docker` → `traefik.http.routers.hello`, `tcpRouters.db@docker` →
      `traefik.tcp.routers.db`.
    - `origins` maps services to where their servers come from, if it matters: two services of one name and
      different origins are different services, and contradict each other.
    - `first_wins`: if another subject defines a router of the same name with other values, the first one by
      subject is used, as in Traefik 1. Otherwise both are left out, as in Traefik 3.
    """

    subject: str
    routers: tuple[Router, ...] = ()
    services: tuple[Service, ...] = ()
    middlewares: tuple[Middleware, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    implicit_routers: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=_no_keys)
    first_wins: bool = False
    origins: Mapping[str, str] = field(default_factory=_no_keys)
    servers_transports: tuple[ServersTransport, ...] = ()
    tls_options: tuple[TlsOptions, ...] = ()
    pairs: tuple[WrittenPair, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    tcp_routers: tuple[TcpRouter, ...] = ()
    tcp_services: tuple[TcpService, ...] = ()
    tcp_middlewares: tuple[Middleware, ...] = ()
    tcp_servers_transports: tuple[TcpServersTransport, ...] = ()
    udp_routers: tuple[UdpRouter, ...] = ()
    udp_services: tuple[UdpService, ...] = ()
    implicit_tcp_routers: frozenset[str] = frozenset()
    implicit_udp_routers: frozenset[str] = frozenset()


LAYER_4 = (
    *("tcp_routers", "tcp_services", "tcp_middlewares", "tcp_servers_transports"),
    *("udp_routers", "udp_services"),
)
"""The fields with objects of TCP and UDP."""


def with_layer4(decoded: Decoded, other: Decoded) -> Decoded:
    """Return `decoded` with the objects of TCP and UDP of `other`, which has no others."""
    objects: dict[str, Any] = {name: getattr(decoded, name) + getattr(other, name) for name in LAYER_4}
    return replace(
        decoded,
        **objects,
        keys={**decoded.keys, **other.keys},
        implicit_tcp_routers=decoded.implicit_tcp_routers | other.implicit_tcp_routers,
        implicit_udp_routers=decoded.implicit_udp_routers | other.implicit_udp_routers,
    )
