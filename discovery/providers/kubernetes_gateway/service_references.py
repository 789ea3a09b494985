"""Resolves the references of routes to Kubernetes services, and to services of other providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from discovery.providers.kubernetes.servers import NoServersError, Target, find_servers
from discovery.providers.kubernetes_gateway.conditions import RESOLVED_REFS, Condition
from discovery.providers.kubernetes_gateway.references import Reference, is_granted, read_reference
from rondpoint.model import Scheme, Server

_NATIVE_LB = "traefik.io/service.nativelb"

HttpKind = Literal["HTTPRoute", "GRPCRoute"]
Layer4Kind = Literal["TCPRoute", "TLSRoute", "UDPRoute"]
Transport = Literal["TCP", "UDP"]
"""The protocol of a service's port."""


class BackendFaultError(Exception):
    """A backend that cannot be used; `condition` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.condition = Condition(RESOLVED_REFS, False, reason, message)


class ServiceReference(Struct, frozen=True):
    """A reference to a service that exists: its port's `number`, and the `port` as the service has it.

    `port` is empty if the service has none of this number.
    """

    to: Reference
    number: int
    port: Mapping[str, Any]
    transport: Transport
    native_lb: bool | None


def read_service_reference(
    written: Mapping[str, Any],
    kind: HttpKind | Layer4Kind,
    namespace: str,
    transport: Transport,
    cluster: Cluster,
) -> ServiceReference:
    """Return the service that a route of this kind and namespace refers to. Raises BackendFaultError."""
    to = read_reference(written, namespace, "", "Service")
    if (to.group, to.kind) != ("", "Service"):
        raise BackendFaultError("InvalidKind", f"a backend of kind {to.group or 'core'}/{to.kind} is unknown")
    if not is_granted(cluster, kind, namespace, to):
        message = f"no ReferenceGrant in namespace {to.namespace} allows the reference to {to}"
        raise BackendFaultError("RefNotPermitted", message)
    number = int(written.get("port") or 0)
    if not number:
        raise BackendFaultError("UnsupportedProtocol", f"the reference to {to} names no port")
    service = cluster.find("Service", to.namespace, to.name)
    if service is None:
        raise BackendFaultError("BackendNotFound", f"{to} does not exist")
    port = _port(service, number, transport)
    if (port.get("protocol") or "TCP") != transport and port:
        message = f"port {number} of {to} is not of protocol {transport}"
        raise BackendFaultError("UnsupportedProtocol", message)
    return ServiceReference(to, number, port, transport, _native_lb(service))


def servers_of(
    found: ServiceReference, scheme: Scheme | None, policy: DecodingPolicy, cluster: Cluster
) -> tuple[Server, ...]:
    """Return the servers behind a reference. Raises BackendFaultError."""
    to = found.to
    target = Target(to.namespace, to.name, found.number, scheme, found.native_lb, protocol=found.transport)
    try:
        return find_servers(target, policy, cluster)
    except NoServersError as error:
        raise BackendFaultError("BackendNotFound", str(error)) from error


def service_of_other_provider(backend: Mapping[str, Any], namespace: str, policy: DecodingPolicy) -> str:
    """Return the name of another provider's service; empty for other backends. Raises BackendFaultError."""
    kind, name = (backend.get("group"), backend.get("kind")), str(backend.get("name") or "")
    if kind != ("traefik.io", "TraefikService") or "@" not in name:
        return ""
    if not policy.may_name_providers(namespace):
        message = f"namespace {namespace} may not refer to {name}, a service of another provider"
        raise BackendFaultError("RefNotPermitted", message)
    return name


def _port(service: Object, number: int, transport: Transport) -> Mapping[str, Any]:
    """Return the port of this number; of several, the one of this protocol counts."""
    ports = [port for port in (service.get("spec") or {}).get("ports") or () if port.get("port") == number]
    return min(ports, key=lambda port: (port.get("protocol") or "TCP") != transport, default={})


def _native_lb(service: Object) -> bool | None:
    annotations = service["metadata"].get("annotations") or {}
    value = next((text for name, text in annotations.items() if name.lower() == _NATIVE_LB), None)
    return None if value is None else str(value).lower() == "true"
