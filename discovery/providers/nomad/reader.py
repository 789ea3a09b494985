"""Keeps the inventory equal to Nomad's services: reads everything, then applies events."""

from __future__ import annotations

from collections.abc import Iterable

from discovery.providers.nomad.client import NomadClient
from discovery.providers.nomad.values import Event, Job
from discovery.providers.tagged_services.health import Health
from discovery.providers.tagged_services.instance import Instance, Key
from discovery.providers.tagged_services.inventory import Inventory

SERVICE, JOB = "Service", "Job"
"""Topics of events."""

EMPTY = "empty"
"""The node of the instance that stands for a task group without instances."""


class ServiceReader:
    """Reads services, and with `empty` also the task groups that are scaled to zero.

    An event is applied only if it is newer than what it would change: the stream replays older events.
    """

    def __init__(self, client: NomadClient, inventory: Inventory, *, empty: bool) -> None:
        self._client = client
        self._inventory = inventory
        self._empty = empty
        self._index = 0
        self._indexes: dict[str, int] = {}
        self._empty_groups: dict[str, frozenset[Key]] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of the events that this reader needs."""
        return (SERVICE, JOB) if self._empty else (SERVICE,)

    def read_all(self) -> list[Instance]:
        """Return all instances. Raises HttpError."""
        names, self._index = self._client.service_names()
        self._indexes.clear()
        found: list[Instance] = []
        for name, (registrations, index) in zip(names, self._client.services(names), strict=True):
            self._indexes[name] = index
            found += [each.instance for each in registrations]
        if self._empty:
            self._empty_groups.clear()
            for job in self._client.jobs():
                groups = _empty_groups(job)
                self._empty_groups[job.id] = frozenset(each.key for each in groups)
                found += groups
            self._inventory.set_health(self._health())
        return found

    def apply(self, events: Iterable[Event]) -> None:
        """Apply events to the inventory."""
        for event in events:
            payload = event.payload
            if event.topic == SERVICE and payload.service is not None:
                name = payload.service.service_name
                if event.index <= self._indexes.get(name, self._index):
                    continue
                if event.type == "ServiceDeregistration":
                    self._inventory.remove(payload.service.instance.key)
                else:
                    self._inventory.put(payload.service.instance)
            elif event.topic == JOB and payload.job is not None and event.index > self._index:
                self._apply_job(payload.job, removed=event.type == "JobDeregistered")

    def _apply_job(self, job: Job, *, removed: bool) -> None:
        groups = [] if removed else _empty_groups(job)
        before = self._empty_groups.get(job.id, frozenset())
        self._empty_groups[job.id] = frozenset(each.key for each in groups)
        for key in before - self._empty_groups[job.id]:
            self._inventory.remove(key)
        self._inventory.set_health(self._health())
        for each in groups:
            self._inventory.put(each)

    def _health(self) -> Health:
        return Health({key: "critical" for keys in self._empty_groups.values() for key in keys})


def _empty_groups(job: Job) -> list[Instance]:
    """Return an instance without an address for each service of a group that is scaled to zero."""
    return [
        Instance(
            EMPTY,
            f"{job.id}/{group.name}/{service.name}",
            service.name,
            "",
            0,
            service.tags or (),
            empty=True,
        )
        for group in job.task_groups or ()
        if group.is_scaled_to_zero
        for service in group.all_services
        if service.name
    ]
