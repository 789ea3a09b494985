"""Decides which addresses the status of an Ingress has, as `kubectl get ingress` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster
from rondpoint.settings import KubernetesIngressEndpoint

Addresses = list[dict[str, Any]]
"""The value of `status.loadBalancer.ingress`."""

_OPTION = "providers.kubernetesIngress.ingressEndpoint"


class StatusFault(Struct, frozen=True):
    """Why no address can be written, and what would help."""

    message: str
    hint: str


def wanted_addresses(
    options: KubernetesIngressEndpoint, cluster: Cluster, *, node_addresses: bool
) -> Addresses | StatusFault | None:
    """Return the addresses to write; None if the published service has none yet.

    They are those of the settings or, if these name a service, those at which its type makes it reachable.
    """
    if not options.published_service:
        if not options.ip and not options.hostname:
            return StatusFault(f"{_OPTION} is empty", "set publishedService, ip or hostname")
        return [_address(options.ip, options.hostname)]
    namespace, slash, name = options.published_service.partition("/")
    if not slash or not namespace or not name or "/" in name:
        message = f"{_OPTION}.publishedService={options.published_service} is not valid"
        return StatusFault(message, "expected NAMESPACE/NAME")
    item = cluster.find("Service", namespace, name)
    if item is None:
        return StatusFault(
            f"the service {options.published_service} of {_OPTION}.publishedService does not exist",
            "create it, or set providers.kubernetesIngress.namespaces so that its namespace is read",
        )
    return _of_service(item, options.published_service, cluster, node_addresses=node_addresses)


def _of_service(
    item: Object, name: str, cluster: Cluster, *, node_addresses: bool
) -> Addresses | StatusFault | None:
    spec: Mapping[str, Any] = item.get("spec") or {}
    match spec.get("type", "ClusterIP"):
        case "LoadBalancer":
            found = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress")
            return list(found) if found else None
        case "ClusterIP":
            ports = _ports(spec, "port")
            return [{"ip": address, "ports": ports} for address in spec.get("externalIPs") or ()]
        case "NodePort" if node_addresses:
            ports = _ports(spec, "nodePort")
            return [{"ip": address, "ports": ports} for address in _external_addresses(cluster)]
        case "NodePort":
            return StatusFault(
                f"the service {name} is of type NodePort, and no nodes are read",
                "take disableClusterScopeResources out, or publish another service",
            )
        case "ExternalName":
            return [{"hostname": spec.get("externalName", "")}]
        case other:
            return StatusFault(f"the service {name} is of type {other}", "publish a service of another type")


def is_current(item: Object, wanted: Addresses) -> bool:
    """Check whether an Ingress already has these addresses; their order and ports do not count."""
    status = (item.get("status") or {}).get("loadBalancer") or {}
    return _identities(status.get("ingress") or ()) == _identities(wanted)


def status_with(wanted: Addresses) -> Mapping[str, Any]:
    """Return the status of an Ingress with these addresses."""
    return {"loadBalancer": {"ingress": wanted}}


def _address(ip: str, hostname: str) -> dict[str, Any]:
    return {**({"ip": ip} if ip else {}), **({"hostname": hostname} if hostname else {})}


def _ports(spec: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    return [
        {"port": port.get(field, 0), "protocol": port.get("protocol", "TCP")}
        for port in spec.get("ports") or ()
    ]


def _external_addresses(cluster: Cluster) -> list[str]:
    return sorted(
        each["address"]
        for node in cluster.nodes()
        for each in (node.get("status") or {}).get("addresses") or ()
        if each.get("type") == "ExternalIP"
    )


def _identities(addresses: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((each.get("hostname") or "", each.get("ip") or "") for each in addresses)
