"""Decides which objects of the Gateway API get another status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.resources import GATEWAY_CLASSES, Resource
from discovery.providers.kubernetes.status_updates import DueStatus
from discovery.providers.kubernetes_gateway.attachments import is_ours
from discovery.providers.kubernetes_gateway.decoded_route import DecodedRoute
from discovery.providers.kubernetes_gateway.gateways import DecodedGateway
from discovery.providers.kubernetes_gateway.roots import ROOTS
from discovery.providers.kubernetes_gateway.status_formats import class_status, gateway_status, route_status
from rondpoint.diagnostics import Diagnostic

Addresses = Callable[[], tuple[Mapping[str, str], ...]]
"""Returns the addresses at which clients reach the Gateways."""


Subject = tuple[str, str, str]
"""The kind, namespace and name of an object, whichever version of its resource the cluster has."""


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
        self._gateways: dict[Subject, DecodedGateway] = {}
        self._routes: dict[Subject, DecodedRoute] = {}
        self._decoded: set[Subject] = set()

    def note_gateway(self, subject: Subject, decoded: DecodedGateway) -> None:
        """Note a decoded Gateway."""
        self._gateways[subject] = decoded

    def note_route(self, subject: Subject, decoded: DecodedRoute) -> None:
        """Note a decoded route."""
        self._routes[subject] = decoded
        self._decoded.add(subject)

    def note(self, changed: Set[Key]) -> tuple[Diagnostic, ...]:
        """Forget deleted objects; nothing keeps statuses from being written."""
        for resource, namespace, name in changed:
            subject = (resource.kind, namespace, name)
            if self._find(subject) is None:
                self._gateways.pop(subject, None)
                self._routes.pop(subject, None)
        return ()

    def due(self, *, everything: bool) -> Iterator[DueStatus]:
        """Yield the statuses that differ: of classes, Gateways, and of routes that were decoded again."""
        decoded, self._decoded = self._decoded, set()
        for resource, item, status in self._statuses(self._routes.keys() if everything else decoded):
            if status != (item.get("status") or {}):
                yield DueStatus(resource, item, status)

    def _statuses(self, routes: Set[Subject]) -> Iterator[tuple[Resource, Object, Mapping[str, Any]]]:
        now = self._now()
        for gateway_class in self._objects.all(GATEWAY_CLASSES).values():
            if is_ours(gateway_class, self._controller):
                yield GATEWAY_CLASSES, gateway_class, class_status(gateway_class, now)
        attached = self._count_attached()
        addresses = self._addresses()
        for subject, gateway in self._gateways.items():
            found = self._find(subject)
            if found is not None and gateway.ours:
                counts = {each.name: attached[*subject[1:], each.name] for each in gateway.listeners}
                status = gateway_status(found[1], gateway.listeners, counts, addresses, now)
                yield *found, status
        for subject in routes:
            found, route = self._find(subject), self._routes.get(subject)
            if found is not None and route is not None:
                status = route_status(found[1], route.attachments, route.conditions, self._controller, now)
                yield *found, status

    def _find(self, subject: Subject) -> tuple[Resource, Object] | None:
        """Return an object with its resource; of several versions, the first one counts."""
        kind, namespace, name = subject
        for resource in ROOTS:
            item = self._objects.get(resource, namespace, name) if resource.kind == kind else None
            if item is not None:
                return resource, item
        return None

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
