"""The instances that are there, and what they define together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from discovery.decoding.decoded import Decoded
from discovery.providers.consul_catalog.decode import PROVIDER, Member
from discovery.providers.consul_catalog.health import Health
from discovery.providers.consul_catalog.instance import Instance
from rondpoint.diagnostics import Diagnostic, Severity

logger = logging.getLogger(__name__)

Decode = Callable[[str, Sequence[Member]], Sequence[Decoded]]


class Inventory:
    """Each service is decoded once, and again only when something about it changed."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._instances: dict[str, tuple[Instance, ...]] = {}
        self._health = Health()
        self._decoded: dict[str, tuple[tuple[Member, ...], Sequence[Decoded]]] = {}
        self._missing: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._instances)

    def put(self, service: str, instances: Iterable[Instance]) -> None:
        """These are all instances of a service; none: there is no such service any more."""
        found = tuple(sorted(instances, key=lambda each: each.key))
        self._missing.pop(service, None)
        if found:
            self._instances[service] = found
        else:
            self._instances.pop(service, None)

    def replace(self, instances: Iterable[Instance], *, keep_until: float | None = None) -> set[str]:
        """These are all instances of all services.

        Services that are missing among them stay until `keep_until` (monotonic), where it is given, and
        are returned.
        """
        found: dict[str, list[Instance]] = {}
        for each in instances:
            found.setdefault(each.service, []).append(each)
        missing = self._instances.keys() - found.keys()
        for service in missing:
            if keep_until is not None:
                self._missing.setdefault(service, keep_until)
            elif service not in self._missing:
                del self._instances[service]
        for service, those in found.items():
            self.put(service, those)
        return set(missing) if keep_until is not None else set()

    def set_health(self, health: Health) -> None:
        self._health = health

    @property
    def next_loss(self) -> float | None:
        """When (monotonic) the first of the services that are kept although missing is given up."""
        return min(self._missing.values(), default=None)

    def refresh(self) -> bool:
        """Decode what changed since the last call; whether what is defined may be new."""
        self._give_up(time.monotonic())
        gone = self._decoded.keys() - self._instances.keys()
        for service in gone:
            del self._decoded[service]
        changed = bool(gone)
        for service, instances in self._instances.items():
            members = tuple(Member(each, self._health.of(each.key)) for each in instances)
            cached = self._decoded.get(service)
            if cached is None or cached[0] != members:
                self._decoded[service] = (members, self._decode_one(service, members))
                changed = True
        return changed

    def decoded(self) -> list[Decoded]:
        """What each service defines, as of the last refresh."""
        return [part for _, parts in self._decoded.values() for part in parts]

    def services(self) -> Mapping[str, tuple[Instance, ...]]:
        return self._instances

    def _give_up(self, now: float) -> None:
        for service in [name for name, until in self._missing.items() if until <= now]:
            del self._missing[service]
            self._instances.pop(service, None)
            logger.warning("service %s has not come back to Consul: its routes go", service)

    def _decode_one(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        try:
            return self._decode(service, members)
        except Exception as error:
            # A fault of ours with one service must not take the routes of all others with it.
            logger.exception("service %s cannot be decoded", service)
            subject = f"service {service}"
            message = f"its tags cannot be decoded, which is a fault of Rondpoint: {error!r}"
            return (Decoded(subject, diagnostics=(Diagnostic(Severity.ERROR, PROVIDER, subject, message),)),)
