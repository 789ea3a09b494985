"""Has the statuses of the Gateway API's objects written that differ from what they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.cluster import Cluster
from discovery.kubernetes.objects import Key, Objects, name_of
from discovery.kubernetes.resources import GATEWAY_CLASSES, GATEWAYS, Resource
from discovery.providers.kubernetes.status_writer import StatusWriter
from discovery.providers.kubernetes_gateway.attachments import is_ours
from discovery.providers.kubernetes_gateway.gateways import DecodedGateway
from discovery.providers.kubernetes_gateway.routes import DecodedRoute
from discovery.providers.kubernetes_gateway.statuses import class_status, gateway_status, route_status
from rondpoint.diagnostics import Diagnostic

Addresses = Callable[[], tuple[Mapping[str, str], ...]]
"""Returns the addresses at which clients reach the Gateways."""

_TIME = "lastTransitionTime"


class StatusUpdates:
    """The statuses of all objects that this controller serves.

    A status that is there already is not written, so the watch's echo of a written one ends the circle.
    """

    def __init__(self, objects: Objects, controller: str, addresses: Addresses) -> None:
        self._objects = objects
        self._controller = controller
        self._addresses = addresses
        self._gateways: dict[Key, DecodedGateway] = {}
        self._routes: dict[Key, DecodedRoute] = {}
        self._changed: set[Key] = set()
        self._sent: dict[Key, object] = {}
        self._writer: StatusWriter | None = None

    def note_gateway(self, key: Key, decoded: DecodedGateway) -> None:
        """Note what a Gateway was decoded to."""
        self._gateways[key] = decoded

    def note_route(self, key: Key, decoded: DecodedRoute) -> None:
        """Note what a route was decoded to."""
        self._routes[key] = decoded
        self._changed.add(key)

    def close(self) -> None:
        """Stop to write."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def update(self, _: Set[Key], api_server: Cluster) -> tuple[Diagnostic, ...]:
        """Have the statuses written that differ from the present ones."""
        if self._writer is None:
            self._writer = StatusWriter(Client(api_server))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for resource, item, status in self.due(now):
            key = (resource, *name_of(item))
            # Until the watch brings the written status, the same one is due again at each change.
            sending = item["metadata"].get("resourceVersion"), _without_times(status)
            if self._sent.get(key) != sending:
                self._sent[key] = sending
                self._writer.write(resource, {**item, "status": status})
        self._changed.clear()
        return ()

    def due(self, now: str) -> Iterator[tuple[Resource, Object, Mapping[str, Any]]]:
        """Yield the objects whose present status differs, each with its new status.

        `now` is the time of conditions that change, in RFC 3339.
        """
        for resource, item, status in self._statuses(now):
            if status != (item.get("status") or {}):
                yield resource, item, status

    def _statuses(self, now: str) -> Iterator[tuple[Resource, Object, Mapping[str, Any]]]:
        for gateway_class in self._objects.all(GATEWAY_CLASSES).values():
            if is_ours(gateway_class, self._controller):
                yield GATEWAY_CLASSES, gateway_class, class_status(gateway_class, now)
        attached = self._count_attached()
        addresses = self._addresses()
        for key, gateway in list(self._gateways.items()):
            item = self._objects.get(*key)
            if item is None:
                del self._gateways[key]
            elif gateway.ours:
                counts = {each.name: attached[key[1], key[2], each.name] for each in gateway.listeners}
                yield GATEWAYS, item, gateway_status(item, gateway.listeners, counts, addresses, now)
        for key in self._changed:
            route_item, route = self._objects.get(*key), self._routes.get(key)
            if route_item is not None and route is not None:
                status = route_status(route_item, route.attachments, route.conditions, self._controller, now)
                yield key[0], route_item, status

    def _count_attached(self) -> Counter[tuple[str, str, str]]:
        """Count the routes of each listener, by the Gateway's namespace and name."""
        for key in [key for key in self._routes if self._objects.get(*key) is None]:
            del self._routes[key]
            self._sent.pop(key, None)
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


def _without_times(status: object) -> object:
    if isinstance(status, Mapping):
        return {name: _without_times(value) for name, value in status.items() if name != _TIME}
    return [_without_times(value) for value in status] if isinstance(status, list) else status
