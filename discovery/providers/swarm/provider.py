"""The Swarm provider: opens a manager's event stream, reads services and tasks, then applies each change."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import Constraint, everything
from discovery.labels.container import Container
from discovery.labels.options import engine_label_options
from discovery.providers.constraints import parse_constraints
from discovery.providers.contract import Emit
from discovery.providers.docker_engine.event_stream import EventStream
from discovery.providers.docker_engine.following import follow_engine
from discovery.providers.swarm.decode import decode
from discovery.providers.swarm.events import FILTERS, Kind, SwarmEvent, parse_event
from discovery.providers.swarm.inventory import Inventory
from discovery.providers.swarm.manager import Manager
from discovery.providers.swarm.motion import Motion
from discovery.providers.swarm.objects import SwarmService, Task, parse_node, parse_service, parse_task
from rondpoint.settings import SwarmOptions

MAX_SINGLE_READS = 20
"""The most services that are read one by one; more are read with all others, by one request."""


class SwarmProvider:
    """A provider that emits whenever a change of a service, task or node changed what the services define."""

    name = "swarm"

    def __init__(self, options: SwarmOptions) -> None:
        self._options = options
        self._label_options = engine_label_options(options)
        self._inventory = Inventory(self._decode, keeps_routes=options.allow_empty_services)
        self._motion = Motion()
        self._emitted = False
        self._constraint: Constraint = everything

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the Swarm until `stop`.

        Raises ProviderError if the manager cannot be reached, goes away, or is not a manager.
        """
        self._emitted = False
        self._constraint = parse_constraints(self._options.constraints, "providers.swarm")
        if not self._options.watch:
            with Manager(self._options) as manager:
                self._read_all(manager)
            self._emit(emit)
            stop.wait()
            return
        follow_engine(
            lambda: Manager(self._options),
            lambda manager: self._follow(manager, emit, stop),
            self._options.endpoint,
            stop,
        )

    def _follow(self, manager: Manager, emit: Emit, stop: threading.Event) -> None:
        stream = EventStream(manager, FILTERS, parse_event)
        try:
            self._read_all(manager)
            self._emit(emit)
            refresh_at = time.monotonic() + self._options.refresh_seconds
            while not (stop.is_set() or stream.ended):
                self._apply(manager, stream.take(self._seconds_until(refresh_at)))
                # An event may already say that a task ends; reading what follows from it takes longer.
                self._emit(emit)
                self._read_tasks(manager, self._motion.due())
                if time.monotonic() >= refresh_at:
                    self._compare_tasks(manager)
                    refresh_at = time.monotonic() + self._options.refresh_seconds
                self._emit(emit)
        finally:
            manager.end_events()

    def _seconds_until(self, refresh_at: float) -> float:
        """Return the seconds until something has to be read without an event."""
        due = self._motion.next_due
        return max(0.0, (refresh_at if due is None else min(due, refresh_at)) - time.monotonic())

    def _read_all(self, manager: Manager) -> None:
        """Read everything, and replace what is known."""
        self._inventory.put_nodes(map(parse_node, manager.nodes()))
        self._read_networks(manager)
        services = [parse_service(each) for each in manager.services()]
        tasks = _by_service(manager.tasks())
        self._inventory.keep_services(each.id for each in services)
        self._motion.keep(self._inventory.service_ids)
        for service in services:
            self._inventory.put_service(service)
            self._put_tasks(service.id, tasks[service.id])

    def _read_networks(self, manager: Manager) -> None:
        # Of the routing mesh, only published ports are reachable.
        found = {each["Id"]: each["Name"] for each in manager.networks() if not each.get("Ingress")}
        self._inventory.put_networks(found)

    def _apply(self, manager: Manager, events: Iterable[SwarmEvent]) -> None:
        """Apply events to the inventory; a service with several events is read once, at the end."""
        changed: dict[str, None] = {}
        in_motion: dict[str, None] = {}
        nodes_changed = False
        for event in events:
            match event.kind:
                case Kind.SERVICE:
                    changed[event.service_id] = None
                case Kind.REMOVED:
                    changed.pop(event.service_id, None)
                    in_motion.pop(event.service_id, None)
                    self._inventory.remove_service(event.service_id)
                    self._motion.forget(event.service_id)
                    continue
                case Kind.NODE:
                    nodes_changed = True
                    continue
                case Kind.SIGNAL:
                    self._inventory.mark_signalled(event.service_id, event.task_id, event.signal)
                case Kind.ENDED:
                    self._inventory.mark_stopping(event.service_id, event.task_id)
                case Kind.CONTAINER:
                    # The manager will know in a moment that the task runs.
                    pass
            in_motion[event.service_id] = None
        if nodes_changed:
            in_motion |= dict.fromkeys(self._inventory.put_nodes(map(parse_node, manager.nodes())))
            # Global services start tasks on a new node, and all services those that a node has lost.
            self._compare_tasks(manager)
        self._read_services(manager, changed)
        for service_id in in_motion:
            if service_id in self._inventory:
                self._motion.touch(service_id)
        self._read_tasks(manager, [each for each in in_motion if each in self._inventory])

    def _read_services(self, manager: Manager, service_ids: Collection[str]) -> None:
        if len(service_ids) > MAX_SINGLE_READS:
            found: list[Mapping[str, Any]] = [
                each for each in manager.services() if each.get("ID") in service_ids
            ]
        else:
            found = [each for each in map(manager.service, service_ids) if each is not None]
        for service in map(parse_service, found):
            if self._inventory.lacks_network(service):
                self._read_networks(manager)
            self._inventory.put_service(service)

    def _read_tasks(self, manager: Manager, service_ids: Sequence[str]) -> None:
        """Read the tasks of these services."""
        if not service_ids:
            return
        found = manager.tasks(service_ids if len(service_ids) <= MAX_SINGLE_READS else ())
        tasks = _by_service(found)
        for service_id in service_ids:
            self._put_tasks(service_id, tasks[service_id])

    def _put_tasks(self, service_id: str, tasks: Iterable[Task]) -> None:
        changed = self._inventory.put_tasks(service_id, tasks)
        settled = self._inventory.is_settled(service_id)
        self._motion.note_reading(service_id, changed=changed, settled=settled)

    def _compare_tasks(self, manager: Manager) -> None:
        """Read the tasks of the services whose wanted tasks are not those that are known."""
        tasks = _by_service(manager.tasks(wanted_only=True))
        self._read_tasks(
            manager,
            [
                service_id
                for service_id in self._inventory.service_ids
                if {each.id: each for each in tasks[service_id]} != self._inventory.wanted_tasks(service_id)
            ],
        )

    def _emit(self, emit: Emit) -> None:
        if self._inventory.refresh() or not self._emitted:
            emit(self._inventory.configuration())
            self._emitted = True

    def _decode(self, service: SwarmService, containers: Sequence[Container]) -> Sequence[Decoded]:
        return decode(service, containers, self._label_options, self._constraint)


def _by_service(descriptions: Iterable[Mapping[str, Any]]) -> defaultdict[str, list[Task]]:
    """Decode tasks, by the id of their service."""
    found: defaultdict[str, list[Task]] = defaultdict(list)
    for description in descriptions:
        task = parse_task(description)
        found[task.service_id].append(task)
    return found
