"""The configuration of providers and installations: all objects by section and name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService
from rondpoint.tls.model import Certificate, CertificateRequest, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpService


def _empty_mapping() -> Mapping[str, Any]:
    return MappingProxyType({})


class Configuration(Struct, frozen=True):
    """Everything one provider defines, or all of them merged: mappings by qualified name.

    The store holds no servers transports: each service contains its own, so both change at once.
    `default_certificate` is the default certificate that a resolver is to obtain; only merged configurations
    have it, and the store does not.
    """

    routers: Mapping[str, Router] = field(default_factory=_empty_mapping)
    services: Mapping[str, Service] = field(default_factory=_empty_mapping)
    middlewares: Mapping[str, Middleware] = field(default_factory=_empty_mapping)
    diagnostics: tuple[Diagnostic, ...] = ()
    servers_transports: Mapping[str, ServersTransport] = field(default_factory=_empty_mapping)
    tls_options: Mapping[str, TlsOptions] = field(default_factory=_empty_mapping)
    certificates: Mapping[str, Certificate] = field(default_factory=_empty_mapping)
    default_certificate: CertificateRequest | None = None
    tcp_routers: Mapping[str, TcpRouter] = field(default_factory=_empty_mapping)
    tcp_services: Mapping[str, TcpService] = field(default_factory=_empty_mapping)
    tcp_middlewares: Mapping[str, Middleware] = field(default_factory=_empty_mapping)
    tcp_servers_transports: Mapping[str, TcpServersTransport] = field(default_factory=_empty_mapping)
    udp_routers: Mapping[str, UdpRouter] = field(default_factory=_empty_mapping)
    udp_services: Mapping[str, UdpService] = field(default_factory=_empty_mapping)
