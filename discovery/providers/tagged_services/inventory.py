"""Holds the known instances, and builds the provider's configuration from them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from discovery.decoding.decoded import Decoded
from discovery.merging.grouped_union import GroupedUnion
from discovery.merging.guarded_decoding import decode_guarded
from discovery.providers.tagged_services.health import Health
from discovery.providers.tagged_services.instance import Instance, Key, Member
from rondpoint.configuration import Configuration

logger = logging.getLogger(__name__)

Decode = Callable[[str, Sequence[Member]], Sequence[Decoded]]
Instances = dict[Key, Instance]


class Inventory:
    """The known instances by service. Each service is decoded once, and again only after it changed.

    `source` is the name of what has the services, such as `Consul`.
    """

    def __init__(self, decode: Decode, provider: str, source: str) -> None:
        self._decode = decode
        self._provider = provider
        self._source = source
        self._union = GroupedUnion(provider)
        self._services: dict[str, Instances] = {}
        self._service_names: dict[Key, str] = {}
        self._health = Health()
        self._members: dict[str, tuple[Member, ...]] = {}
        self._missing: dict[str, tuple[float, Instances]] = {}
        self._changed: set[str] = set()

    def __len__(self) -> int:
        """Return the number of services."""
        return len(self._services)

    def __contains__(self, service: str) -> bool:
        return service in self._services

    def put(self, instance: Instance) -> None:
        """Add an instance, or replace one that changed."""
        key = instance.key
        before = self._service_names.get(key)
        if before is not None and before != instance.service:
            self.remove(key)
        self._service_names[key] = instance.service
        self._services.setdefault(instance.service, {})[key] = instance
        self._changed.add(instance.service)

    def remove(self, key: Key, *, keep_until: float | None = None) -> None:
        """Remove an instance.

        A service with none left keeps the removed ones until `keep_until` (monotonic).
        """
        service = self._service_names.pop(key, None)
        if service is None:
            return
        instances = self._services[service]
        removed = instances.pop(key)
        if not instances:
            del self._services[service]
        if keep_until is not None:
            self._missing.setdefault(service, (keep_until, {}))[1][key] = removed
        self._changed.add(service)

    def replace(self, instances: Iterable[Instance], *, keep_until: float | None = None) -> set[str]:
        """Replace all instances of all services; return the missing services that are kept as in `remove`."""
        found = {each.key: each for each in instances}
        known = set(self._services)
        for key in self._service_names.keys() - found.keys():
            self.remove(key, keep_until=keep_until)
        for key, each in found.items():
            if self._instance(key) != each:
                self.put(each)
        return set() if keep_until is None else known - self._services.keys()

    def set_health(self, health: Health) -> None:
        """Replace the health of all instances."""
        for node, service_id in health.changed_keys(self._health):
            if service_id:
                named = [self._service_names.get((node, service_id))]
            else:
                named = [name for key, name in self._service_names.items() if key[0] == node]
            self._changed.update(name for name in named if name is not None)
        self._health = health

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the first missing service expires; None if none is kept."""
        return min((until for until, _ in self._missing.values()), default=None)

    def refresh(self) -> bool:
        """Decode the services that changed since the last call; return whether definitions may differ."""
        self._drop_expired(time.monotonic())
        changed = False
        for service in self._changed:
            members = self._members_of(service)
            if members != self._members.get(service, ()):
                self._update_service(service, members)
                changed = True
        self._changed.clear()
        return changed

    def configuration(self) -> Configuration:
        """Return the configuration of all services, as of the last refresh."""
        return self._union.configuration()

    def _instance(self, key: Key) -> Instance | None:
        service = self._service_names.get(key)
        return None if service is None else self._services[service][key]

    def _members_of(self, service: str) -> tuple[Member, ...]:
        instances = self._services.get(service)
        if instances is not None:
            self._missing.pop(service, None)
        else:
            _, instances = self._missing.get(service, (0.0, {}))
        return tuple(Member(instances[key], self._health.status_of(key)) for key in sorted(instances))

    def _update_service(self, service: str, members: tuple[Member, ...]) -> None:
        parts = self._decode_one(service, members) if members else ()
        self._union.put(service, parts)
        if members:
            self._members[service] = members
        else:
            self._members.pop(service, None)

    def _drop_expired(self, now: float) -> None:
        for service in [name for name, (until, _) in self._missing.items() if until <= now]:
            del self._missing[service]
            self._changed.add(service)
            if service not in self._services:
                logger.warning(
                    "service %s has not come back to %s: its routes are removed", service, self._source
                )

    def _decode_one(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        return decode_guarded(
            lambda: self._decode(service, members), f"service {service}", "tags", self._provider
        )
