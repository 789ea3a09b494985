"""Attaches routes to the listeners of Gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_gateway.conditions import ACCEPTED, Condition
from discovery.providers.kubernetes_gateway.hostnames import ServedHost, intersect, isolate, more_specific
from discovery.providers.kubernetes_gateway.listeners import Listener, read_listeners
from discovery.providers.kubernetes_gateway.options import Options
from discovery.providers.kubernetes_gateway.references import GROUP, read_reference


class Attached(Struct, frozen=True):
    """A listener that takes a route, for these hostnames; without any, for all.

    It serves `hosts`: the hostnames without those of more specific listeners.
    """

    listener: Listener
    hostnames: tuple[str, ...]
    hosts: tuple[ServedHost, ...]


class Attachment(Struct, frozen=True):
    """What became of one reference of a route to a Gateway; `reference` is as the route has it."""

    reference: Mapping[str, Any]
    attached: tuple[Attached, ...]
    condition: Condition

    @property
    def lost(self) -> tuple[str, ...]:
        """The hostnames for which the route gets no requests, since it is not attached to their listeners."""
        served = {host.name for each in self.attached for host in each.hosts}
        wanted = (name for each in self.attached for name in each.hostnames or ("",))
        return tuple(dict.fromkeys(name for name in wanted if name not in served))


def is_ours(gateway_class: Object | None, controller: str) -> bool:
    """Return whether a GatewayClass names this controller."""
    return gateway_class is not None and (gateway_class.get("spec") or {}).get("controllerName") == controller


def attach(kind: str, route: Object, cluster: Cluster, options: Options) -> Iterator[Attachment]:
    """Yield what becomes of each reference of a route of this kind to a Gateway of this controller."""
    namespace, _ = name_of(route)
    spec = route.get("spec") or {}
    for reference in spec.get("parentRefs") or ():
        to = read_reference(reference, namespace, GROUP, "Gateway")
        gateway = cluster.find("Gateway", to.namespace, to.name) if to.kind == "Gateway" else None
        if to.group != GROUP or gateway is None:
            continue
        class_name = str((gateway.get("spec") or {}).get("gatewayClassName") or "")
        if is_ours(cluster.find("GatewayClass", "", class_name), options.controller):
            listeners = read_listeners(gateway, cluster, options)
            yield _attach(kind, namespace, reference, listeners, spec.get("hostnames") or ())


def _attach(
    kind: str,
    namespace: str,
    reference: Mapping[str, Any],
    listeners: tuple[Listener, ...],
    hostnames: tuple[str, ...],
) -> Attachment:
    named = [
        listener
        for listener in listeners
        if reference.get("sectionName") in (None, listener.name)
        and reference.get("port") in (None, listener.port)
    ]
    if not named:
        return _refused(reference, "NoMatchingParent", "no listener has the sectionName or port")
    taking = [each for each in named if each.accepted and each.takes(kind, namespace)]
    if not taking:
        return _refused(reference, "NotAllowedByListeners", "no valid listener takes the route")
    attached = tuple(
        Attached(listener, shared, isolate(shared, _of_more_specific(listener, listeners)))
        for listener in taking
        if (shared := intersect(listener.hostname, hostnames)) is not None
    )
    if not attached:
        return _refused(reference, "NoMatchingListenerHostname", "no listener has one of the hostnames")
    return Attachment(reference, attached, Condition(ACCEPTED, True, "Accepted", "the route is attached"))


def _of_more_specific(own: Listener, listeners: tuple[Listener, ...]) -> tuple[str, ...]:
    """Return the hostnames of more specific listeners, also of those that are closed."""
    same_place = [each for each in listeners if (each.port, each.layer) == (own.port, own.layer)]
    return more_specific(own.hostname, [each.hostname for each in same_place])


def _refused(reference: Mapping[str, Any], reason: str, message: str) -> Attachment:
    return Attachment(reference, (), Condition(ACCEPTED, False, reason, message))
