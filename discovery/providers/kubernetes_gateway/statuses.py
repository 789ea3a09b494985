"""Decides which objects of the Gateway API get another status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import GATEWAY_CLASSES, GATEWAYS, Resource
from discovery.providers.kubernetes.status_updates import DueStatus
from discovery.providers.kubernetes_gateway.attachments import is_ours
from discovery.providers.kubernetes_gateway.decoded_route import DecodedRoute
from discovery.providers.kubernetes_gateway.gateways import DecodedGateway
from discovery.providers.kubernetes_gateway.status_formats import class_status, gateway_status, route_status
from rondpoint.diagnostics import Diagnostic

Addresses = Callable[[], tuple[Mapping[str, str], ...]]
"""Returns the addresses at which clients reach the Gateways."""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class GatewayStatuses:
    """The statuses of all objects that this controller serves.

    `now` returns the time of conditions that change, in RFC 3339.
    """

    def __init__(
        self, objects: Objects, controller: str, addresses: Addresses, now: Callable[[], str] = _now
    ) -> None:
        self._objects = objects
        self._controller = controller
        self._addresses = addresses
        self._now = now
        self._gateways: dict[Key, DecodedGateway] = {}
        self._routes: dict[Key, DecodedRoute] = {}
        self._decoded: set[Key] = set()

    def note_gateway(self, key: Key, decoded: DecodedGateway) -> None:
        """Note a decoded Gateway."""
        self._gateways[key] = decoded

    def note_route(self, key: Key, decoded: DecodedRoute) -> None:
        """Note a decoded route."""
        self._routes[key] = decoded
        self._decoded.add(key)

    def note(self, changed: Set[Key]) -> tuple[Diagnostic, ...]:
        """Forget deleted objects; nothing keeps statuses from being written."""
        for key in changed:
            if self._objects.get(*key) is None:
                self._gateways.pop(key, None)
                self._routes.pop(key, None)
        return ()

    def due(self, *, everything: bool) -> Iterator[DueStatus]:
        """Yield the statuses that differ: of classes, Gateways, and of routes that were decoded again."""
        decoded, self._decoded = self._decoded, set()
        for resource, item, status in self._statuses(self._routes.keys() if everything else decoded):
            if status != (item.get("status") or {}):
                yield DueStatus(resource, item, status)

    def _statuses(self, routes: Set[Key]) -> Iterator[tuple[Resource, Object, Mapping[str, Any]]]:
        now = self._now()
        for gateway_class in self._objects.all(GATEWAY_CLASSES).values():
            if is_ours(gateway_class, self._controller):
                yield GATEWAY_CLASSES, gateway_class, class_status(gateway_class, now)
        attached = self._count_attached()
        addresses = self._addresses()
        for key, gateway in self._gateways.items():
            item = self._objects.get(*key)
            if item is not None and gateway.ours:
                counts = {each.name: attached[key[1], key[2], each.name] for each in gateway.listeners}
                yield GATEWAYS, item, gateway_status(item, gateway.listeners, counts, addresses, now)
        for key in routes:
            route_item, route = self._objects.get(*key), self._routes.get(key)
            if route_item is not None and route is not None:
                status = route_status(route_item, route.attachments, route.conditions, self._controller, now)
                yield key[0], route_item, status

    def _count_attached(self) -> Counter[tuple[str, str, str]]:
        """Count the routes of each listener, by the Gateway's namespace and name."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for route in self._routes.values():
            counts.update(
                {
                    (each.listener.namespace, each.listener.gateway, each.listener.name)
                    for attachment in route.attachments
                    for each in attachment.attached
                }
            )
        return counts
