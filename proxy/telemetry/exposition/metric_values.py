"""What each metric that is no sum of requests shows: of an instance, or of the installation as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from proxy.telemetry.exposition import catalogue
from proxy.telemetry.exposition.catalogue import Metric
from proxy.telemetry.exposition.process_usage import Processes
from proxy.telemetry.exposition.store_snapshot import StoreSnapshot, Instance
from proxy.telemetry.exposition.totals import Labels, Totals
from rondpoint.model import Router, ServerState, Service
from rondpoint.store.agents import AgentStatus
from rondpoint.store.workers import WorkerStatus

Values = Mapping[Labels, float]


class Served(Struct, frozen=True):
    """What is in force where the page is asked for."""

    routers: Mapping[str, Router]
    services: Mapping[str, Service]


class Told(Struct, frozen=True):
    """An instance, with those of its workers that have given a sign lately; `common` are labels of all.

    `processes` are known of the instance that answers, where the kernel tells of them.
    """

    instance: Instance
    living: tuple[WorkerStatus, ...]
    totals: Totals
    now: float
    common: Mapping[str, str]
    processes: Processes | None


def _one(value: float) -> Values:
    return {(): value}


def _reloads(told: Told) -> Values:
    # A worker takes the count over from those it finds, so that it goes on when they are gone.
    return _one(max((worker.reloads for worker in told.instance.workers), default=0))


def _last_reload(told: Told) -> Values:
    return _one(max((worker.changed_at for worker in told.instance.workers), default=0.0))


def _connections(told: Told) -> Values:
    counts: dict[Labels, float] = {}
    for worker in told.living:
        for entry_point, count in worker.connections.items():
            key = (entry_point, "TCP")
            counts[key] = counts.get(key, 0) + count
    return counts


def _certificates(told: Told) -> Values:
    return {
        (each.common_name, each.serial, each.sans): each.not_after
        for worker in told.living
        for each in worker.certificates
    }


def _age(told: Told) -> Values:
    confirmed = [worker.confirmed_at for worker in told.living if worker.confirmed_at]
    return _one(round(max(0.0, told.now - min(confirmed)), 3)) if confirmed else {}


def _tickets(told: Told) -> Values:
    return {("store",): told.totals.own.tickets, ("local",): told.totals.own.local_tickets}


def _used(amount: Callable[[Processes], float | None]) -> Callable[[Told], Values]:
    def values(told: Told) -> Values:
        found = None if told.processes is None else amount(told.processes)
        return {} if found is None else _one(found)

    return values


OF_INSTANCE: dict[Metric, Callable[[Told], Values]] = {
    catalogue.CONFIG_RELOADS: _reloads,
    catalogue.CONFIG_LAST_RELOAD: _last_reload,
    catalogue.OPEN_CONNECTIONS: _connections,
    catalogue.CERTIFICATES: _certificates,
    catalogue.REVISION: lambda told: _one(min((worker.revision for worker in told.living), default=0)),
    catalogue.AGE: _age,
    catalogue.TICKETS: _tickets,
    catalogue.LATE: lambda told: _one(told.totals.own.late_tickets),
    catalogue.DEGRADED: lambda told: _one(sum(worker.degraded for worker in told.living)),
    catalogue.WORKERS: lambda told: _one(len(told.living)),
    catalogue.UPGRADES: lambda told: _one(sum(worker.upgrades for worker in told.living)),
    catalogue.DROPPED_LINES: lambda told: _one(told.totals.own.dropped_lines),
    catalogue.DROPPED_SPANS: lambda told: _one(told.totals.own.dropped_spans),
    catalogue.CPU: _used(lambda processes: processes.cpu_seconds),
    catalogue.RESIDENT_MEMORY: _used(lambda processes: processes.resident),
    catalogue.VIRTUAL_MEMORY: _used(lambda processes: processes.virtual),
    catalogue.OPEN_FDS: _used(lambda processes: processes.open_fds),
    catalogue.MAX_FDS: _used(lambda processes: processes.max_fds),
    catalogue.STARTED: _used(lambda processes: processes.started_at),
}


def retries(told: Told) -> Values:
    """By service."""
    return {(service,): count for service, count in told.totals.retries.items()}


def servers_up(services: Mapping[str, Service]) -> Values:
    """By service and URL."""
    return {
        (service.name, server.url): float(server.state is not ServerState.DOWN)
        for service in services.values()
        if service.health_check is not None
        for server in service.servers
    }


def of_installation(snapshot: StoreSnapshot) -> dict[Metric, Values]:
    """What is the same whichever instance is asked."""
    now = snapshot.now
    instances = {worker.instance for worker in snapshot.workers.values() if worker.alive(now)}
    agents = [agent for agent in snapshot.agents.values() if agent.alive(now)]
    return {
        catalogue.INSTANCES: _one(len(instances)),
        catalogue.AGENTS: _one(len(agents)),
        catalogue.PROVIDER_UP: _providers(agents),
        catalogue.PUT_ASIDE: {(url,): 1.0 for url in snapshot.aside},
    }


def _providers(agents: Iterable[AgentStatus]) -> Values:
    return {
        (agent.name, name): float(provider.state == "ok")
        for agent in agents
        for name, provider in agent.providers.items()
    }
