"""Finds the UDPRoute that has the datagrams of an entry point.

An entry point has one router for UDP, and the Gateway API demands that the oldest route serves.
"""

from __future__ import annotations

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.attachments import attach
from discovery.providers.kubernetes_gateway.options import Options


def older_udp_route(route: Object, entry_point: str, cluster: Cluster, options: Options) -> str:
    """Return the name of the oldest other UDPRoute that an entry point has; empty if `route` is the oldest.

    Of routes of the same age, the first by namespace and name counts.
    """
    older = sorted(
        (each for each in cluster.all("UDPRoute") if _age(each) < _age(route)),
        key=_age,
    )
    for each in older:
        if any(
            one.listener.serves and one.listener.entry_point == entry_point
            for attachment in attach("UDPRoute", each, cluster, options)
            for one in attachment.attached
        ):
            return f"UDPRoute {'/'.join(name_of(each))}"
    return ""


def _age(route: Object) -> tuple[str, str, str]:
    """Return what orders routes, the oldest first; times of the API sort as texts."""
    return str(route["metadata"].get("creationTimestamp") or "~"), *name_of(route)
