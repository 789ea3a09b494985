"""Finds the servers of a backend that a route refers to, and how connections to them are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from discovery.providers.kubernetes_gateway.backend_tls import backend_transport
from discovery.providers.kubernetes_gateway.service_references import (
    BackendFaultError,
    HttpKind,
    ServiceReference,
    read_service_reference,
    servers_of,
)
from rondpoint.model import Scheme, Server, ServersTransport

_PROTOCOLS: Mapping[str, Scheme] = {
    "http": "http",
    "https": "https",
    "kubernetes.io/h2c": "h2c",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "https",
}


class Backend(Struct, frozen=True):
    """The servers of a backend, and its transport, if a BackendTLSPolicy demands one."""

    servers: tuple[Server, ...]
    transport: ServersTransport | None = None


def read_backend(
    written: Mapping[str, Any],
    kind: HttpKind,
    namespace: str,
    transport_name: str,
    policy: DecodingPolicy,
    cluster: Cluster,
) -> Backend:
    """Return the backend of a reference in a route. Raises BackendFaultError.

    `transport_name` is the qualified name for a transport of its own.
    """
    found = read_service_reference(written, kind, namespace, "TCP", cluster)
    transport = backend_transport(found, transport_name, cluster)
    scheme = "https" if transport is not None else _scheme(found, kind)
    return Backend(servers_of(found, scheme, policy, cluster), transport)


def _scheme(found: ServiceReference, kind: HttpKind) -> Scheme | None:
    """Return the scheme that the port demands; None for the default. Raises BackendFaultError."""
    given = found.port.get("appProtocol")
    if given is None:
        # gRPC needs HTTP/2, which a plain port speaks by prior knowledge alone.
        return "h2c" if kind == "GRPCRoute" else None
    scheme = _PROTOCOLS.get(str(given).lower())
    if scheme is None or (kind == "GRPCRoute" and scheme == "http"):
        message = f"port {found.number} of {found.to} has the appProtocol {given}, which is not supported"
        raise BackendFaultError("UnsupportedProtocol", message)
    return scheme
