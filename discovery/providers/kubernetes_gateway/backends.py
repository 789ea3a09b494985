"""Finds the servers of a backend that a route refers to, and how connections to them are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from discovery.providers.kubernetes.secrets import ContentsFault, read_authority, read_authority_of_config_map
from discovery.providers.kubernetes.servers import NoServersError, Target, find_servers
from discovery.providers.kubernetes_gateway.conditions import RESOLVED_REFS, Condition
from discovery.providers.kubernetes_gateway.references import (
    Location,
    Reference,
    is_granted,
    read_reference,
)
from rondpoint.model import Scheme, Server, ServersTransport

_PROTOCOLS: Mapping[str, Scheme] = {
    "http": "http",
    "https": "https",
    "kubernetes.io/h2c": "h2c",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "https",
}
_NATIVE_LB = "traefik.io/service.nativelb"

RouteKind = Literal["HTTPRoute", "GRPCRoute"]


class Backend(Struct, frozen=True):
    """The servers of a backend, and its transport, if a BackendTLSPolicy demands one."""

    servers: tuple[Server, ...]
    transport: ServersTransport | None = None


class BackendFaultError(Exception):
    """A backend that cannot be used; `condition` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.condition = Condition(RESOLVED_REFS, False, reason, message)


def read_backend(
    written: Mapping[str, Any],
    kind: RouteKind,
    namespace: str,
    transport_name: str,
    policy: DecodingPolicy,
    cluster: Cluster,
) -> Backend:
    """Return the backend of a reference in a route. Raises BackendFaultError.

    `transport_name` is the qualified name for a transport of its own.
    """
    to = read_reference(written, namespace, "", "Service")
    if (to.group, to.kind) != ("", "Service"):
        raise BackendFaultError("InvalidKind", f"a backend of kind {to.group or 'core'}/{to.kind} is unknown")
    if not is_granted(cluster, kind, namespace, to):
        message = f"no ReferenceGrant in namespace {to.namespace} allows the reference to {to}"
        raise BackendFaultError("RefNotPermitted", message)
    port = int(written.get("port") or 0)
    if not port:
        raise BackendFaultError("UnsupportedProtocol", f"the reference to {to} names no port")
    service = cluster.find("Service", to.namespace, to.name)
    if service is None:
        raise BackendFaultError("BackendNotFound", f"{to} does not exist")
    service_port = _port(service, port)
    transport = _transport(to, str(service_port.get("name") or ""), transport_name, cluster)
    scheme = "https" if transport is not None else _scheme(service_port, to, kind)
    target = Target(to.namespace, to.name, port, scheme, _native_lb(service))
    try:
        return Backend(find_servers(target, policy, cluster), transport)
    except NoServersError as error:
        raise BackendFaultError("BackendNotFound", str(error)) from error


def _port(service: Object, number: int) -> Mapping[str, Any]:
    ports = (service.get("spec") or {}).get("ports") or ()
    return next((port for port in ports if port.get("port") == number), {})


def _scheme(port: Mapping[str, Any], to: Reference, kind: RouteKind) -> Scheme | None:
    """Return the scheme that the port demands; None for the default. Raises BackendFaultError."""
    if (port.get("protocol") or "TCP") != "TCP":
        raise BackendFaultError("UnsupportedProtocol", f"port {port['port']} of {to} is not of protocol TCP")
    given = port.get("appProtocol")
    if given is None:
        # gRPC needs HTTP/2, which a plain port speaks by prior knowledge alone.
        return "h2c" if kind == "GRPCRoute" else None
    scheme = _PROTOCOLS.get(str(given).lower())
    if scheme is None or (kind == "GRPCRoute" and scheme == "http"):
        message = f"port {port['port']} of {to} has the appProtocol {given}, which is not supported"
        raise BackendFaultError("UnsupportedProtocol", message)
    return scheme


def _native_lb(service: Object) -> bool | None:
    annotations = service["metadata"].get("annotations") or {}
    value = next((text for name, text in annotations.items() if name.lower() == _NATIVE_LB), None)
    return None if value is None else str(value).lower() == "true"


def _transport(to: Reference, port_name: str, name: str, cluster: Cluster) -> ServersTransport | None:
    """Return the transport that a BackendTLSPolicy demands; of several, the oldest one counts."""
    found = [
        policy
        for policy in cluster.all("BackendTLSPolicy", to.namespace)
        if any(
            target.get("kind") == "Service"
            and target.get("name") == to.name
            and target.get("sectionName") in (None, port_name)
            for target in (policy.get("spec") or {}).get("targetRefs") or ()
        )
    ]
    if not found:
        return None
    policy = min(
        found, key=lambda each: (each["metadata"].get("creationTimestamp") or "", each["metadata"]["name"])
    )
    validation = policy["spec"].get("validation") or {}
    return ServersTransport(
        name,
        server_name=str(validation.get("hostname") or ""),
        root_cas=_authorities(validation, to, cluster),
    )


def _authorities(validation: Mapping[str, Any], to: Reference, cluster: Cluster) -> tuple[str, ...]:
    """Return the authorities of a policy; empty for those of the system. Raises BackendFaultError."""
    references = validation.get("caCertificateRefs") or ()
    if not references:
        if validation.get("wellKnownCACertificates") == "System":
            return ()
        raise BackendFaultError("RefNotPermitted", f"the BackendTLSPolicy of {to} names no authority")
    place, texts = Location(to.namespace, cluster), []
    for written in references:
        try:
            if written.get("kind") == "Secret":
                texts.append(read_authority(str(written.get("name")), place))
            elif written.get("kind") == "ConfigMap":
                texts.append(read_authority_of_config_map(str(written.get("name")), place))
            else:
                message = f"the BackendTLSPolicy of {to} names a {written.get('kind')} as authority"
                raise BackendFaultError("RefNotPermitted", message)
        except ContentsFault as fault:
            message = f"the BackendTLSPolicy of {to} cannot be applied: {fault}"
            raise BackendFaultError("RefNotPermitted", message) from fault
    return tuple(texts)
