"""Holds the known services with their tasks, and builds the provider's configuration from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from discovery.decoding.decoded import Decoded
from discovery.labels.container import Container
from discovery.merging.grouped_union import GroupedUnion
from discovery.merging.guarded_decoding import decode_guarded
from discovery.providers.docker_engine.signals import STOPPING_SIGNALS
from discovery.providers.swarm.containers import PROVIDER, containers_of
from discovery.providers.swarm.objects import ENDED_STATES, Node, SwarmService, Task
from rondpoint.configuration import Configuration

SIGNAL_SECONDS = 5.0
"""Seconds for which a task drains after a signal that the manager did not order; it may have survived it."""

_FORGOTTEN_STATES = ENDED_STATES - {"failed", "rejected"}
"""States of tasks that are not kept. A task that failed says why its service has none."""

Decode = Callable[[SwarmService, Sequence[Container]], Sequence[Decoded]]


class Inventory:
    """The known services. Each is decoded once, and again only after it or one of its tasks changed."""

    def __init__(
        self, decode: Decode, *, keeps_routes: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._decode = decode
        self._keeps_routes = keeps_routes
        self._clock = clock
        self._union = GroupedUnion(PROVIDER)
        self._services: dict[str, SwarmService] = {}
        self._tasks: dict[str, dict[str, Task]] = {}
        self._nodes: dict[str, Node] = {}
        self._networks: dict[str, str] = {}
        self._stopping: dict[str, dict[str, float]] = {}
        self._containers: dict[str, tuple[Container, ...]] = {}
        self._changed: set[str] = set()
        self._removed = False

    def __contains__(self, service_id: str) -> bool:
        return service_id in self._services

    @property
    def service_ids(self) -> Sequence[str]:
        """The ids of all services."""
        return tuple(self._services)

    def put_service(self, service: SwarmService) -> None:
        """Add or replace a service."""
        if self._services.get(service.id) != service:
            self._services[service.id] = service
            self._changed.add(service.id)

    def remove_service(self, service_id: str) -> None:
        """Remove a service with its routes; an unknown one is ignored."""
        self._services.pop(service_id, None)
        self._tasks.pop(service_id, None)
        self._stopping.pop(service_id, None)
        self._changed.discard(service_id)
        if self._containers.pop(service_id, None) is not None:
            self._union.put(service_id, ())
            self._removed = True

    def keep_services(self, service_ids: Iterable[str]) -> None:
        """Remove all other services."""
        for service_id in self._services.keys() - set(service_ids):
            self.remove_service(service_id)

    def put_tasks(self, service_id: str, tasks: Iterable[Task]) -> bool:
        """Replace the tasks of a service; return whether they differ."""
        found = {task.id: task for task in tasks if task.state not in _FORGOTTEN_STATES}
        self._drop_expired(service_id, found)
        if self._tasks.get(service_id, {}) == found:
            return False
        self._tasks[service_id] = found
        self._changed.add(service_id)
        return True

    def put_nodes(self, nodes: Iterable[Node]) -> set[str]:
        """Replace the nodes; return the services with tasks on those that changed."""
        found = {node.id: node for node in nodes}
        changed = {
            node_id
            for node_id in self._nodes.keys() | found.keys()
            if self._nodes.get(node_id) != found.get(node_id)
        }
        self._nodes = found
        affected = {
            service_id
            for service_id, tasks in self._tasks.items()
            if any(task.node_id in changed for task in tasks.values())
        }
        self._changed |= affected & self._services.keys()
        return affected

    def put_networks(self, networks: Mapping[str, str]) -> None:
        """Replace the networks, by id, whose addresses are used."""
        if networks != self._networks:
            self._networks = dict(networks)
            self._changed |= self._services.keys()

    def lacks_network(self, service: SwarmService) -> bool:
        """Return whether the service has an address in a network that is not known."""
        return not service.virtual_ips.keys() <= self._networks.keys()

    def mark_signalled(self, service_id: str, task_id: str, number: int) -> None:
        """Note that a task's container was sent a signal. If the signal stops it, the task drains."""
        service = self._services.get(service_id)
        if service is not None and (number in STOPPING_SIGNALS or number == service.stop_signal):
            self.mark_stopping(service_id, task_id)

    def mark_stopping(self, service_id: str, task_id: str) -> None:
        """Let a task drain until the manager's description of it says more."""
        if service_id in self._services:
            self._stopping.setdefault(service_id, {})[task_id] = self._clock() + SIGNAL_SECONDS
            self._changed.add(service_id)

    def wanted_tasks(self, service_id: str) -> Mapping[str, Task]:
        """Return the known tasks of a service that are to run, by id."""
        return {each.id: each for each in self._tasks.get(service_id, {}).values() if each.wanted}

    def is_settled(self, service_id: str) -> bool:
        """Return whether the tasks of a service are as the manager wants them, so that none changes soon."""
        service = self._services.get(service_id)
        if service is None:
            return True
        tasks = self._tasks.get(service_id, {}).values()
        running = sum(task.wanted and task.running for task in tasks)
        return (
            not service.updating
            and service_id not in self._stopping
            and service.replicas in (None, running)
            and all(map(self._is_task_settled, tasks))
        )

    def refresh(self) -> bool:
        """Decode the services that changed since the last call; return whether definitions may differ."""
        changed, self._removed = self._removed, False
        for service_id in self._changed:
            containers = self._containers_of(service_id)
            if self._containers.get(service_id) != containers:
                self._containers[service_id] = containers
                self._union.put(service_id, self._decode_one(service_id, containers))
                changed = True
        self._changed.clear()
        return changed

    def configuration(self) -> Configuration:
        """Return the configuration of all services, as of the last refresh."""
        return self._union.configuration()

    def _containers_of(self, service_id: str) -> tuple[Container, ...]:
        return containers_of(
            self._services[service_id],
            self._tasks.get(service_id, {}).values(),
            self._nodes,
            self._networks,
            self._stopping.get(service_id, {}),
            keeps_routes=self._keeps_routes,
        )

    def _decode_one(self, service_id: str, containers: Sequence[Container]) -> Sequence[Decoded]:
        service = self._services[service_id]
        return decode_guarded(
            lambda: self._decode(service, containers), f"service {service.name}", "labels", PROVIDER
        )

    def _is_task_settled(self, task: Task) -> bool:
        node = self._nodes.get(task.node_id)
        return task.ended or (task.running if task.wanted else node is not None and node.down)

    def _drop_expired(self, service_id: str, tasks: Mapping[str, Task]) -> None:
        """Forget signals to tasks that have ended since, or that have survived them."""
        marks = self._stopping.get(service_id)
        if marks is None:
            return
        now = self._clock()
        kept = {
            task_id: until
            for task_id, until in marks.items()
            if until > now and task_id in tasks and not tasks[task_id].ended
        }
        if kept != marks:
            self._changed.add(service_id)
        if kept:
            self._stopping[service_id] = kept
        else:
            del self._stopping[service_id]
