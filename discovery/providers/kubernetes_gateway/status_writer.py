"""Writes the statuses that changed to the Kubernetes API."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.cluster import Cluster
from discovery.kubernetes.errors import ClosedError, KubernetesError
from discovery.kubernetes.objects import Key, Objects, name_of
from discovery.kubernetes.resources import GATEWAY_CLASSES, GATEWAYS, Resource
from discovery.providers.kubernetes_gateway.attachments import is_ours
from discovery.providers.kubernetes_gateway.gateways import DecodedGateway
from discovery.providers.kubernetes_gateway.routes import DecodedRoute
from discovery.providers.kubernetes_gateway.statuses import class_status, gateway_status, route_status

logger = logging.getLogger(__name__)

Addresses = Callable[[], tuple[Mapping[str, str], ...]]
"""Returns the addresses at which clients reach the Gateways."""


class StatusWriter:
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

    def note_gateway(self, key: Key, decoded: DecodedGateway) -> None:
        """Note what a Gateway was decoded to."""
        self._gateways[key] = decoded

    def note_route(self, key: Key, decoded: DecodedRoute) -> None:
        """Note what a route was decoded to."""
        self._routes[key] = decoded
        self._changed.add(key)

    def write(self, cluster: Cluster) -> None:
        """Write the statuses that differ from the present ones; log what cannot be written."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        changes = list(self.due(now))
        self._changed.clear()
        if not changes:
            return
        with Client(cluster) as client:
            for resource, item, status in changes:
                self._write_one(client, resource, item, status)

    def due(self, now: str) -> Iterator[tuple[Resource, Object, Mapping[str, Any]]]:
        """Yield the objects whose present status differs, each with its new status.

        `now` is the time of conditions that change, in RFC 3339.
        """
        for resource, item, status in self._statuses(now):
            if status != (item.get("status") or {}):
                yield resource, item, status

    def _write_one(self, client: Client, resource: Resource, item: Object, status: Mapping[str, Any]) -> None:
        try:
            client.put_status(resource, {**item, "status": status})
        except ClosedError:
            raise
        except KubernetesError as error:
            # The object may have changed meanwhile; the watch then brings it, and another attempt.
            where = "/".join(filter(None, name_of(item)))
            logger.warning("the status of %s %s cannot be written: %s", resource.kind, where, error.message)

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
