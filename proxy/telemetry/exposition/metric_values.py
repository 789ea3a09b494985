"""Computes the metrics that are not request counts, for an instance or for the whole installation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from proxy.telemetry.exposition import catalogue
from proxy.telemetry.exposition.catalogue import Metric
from proxy.telemetry.exposition.process_usage import Processes
from proxy.telemetry.exposition.store_snapshot import Instance, StoreSnapshot
from proxy.telemetry.exposition.totals import Labels, Totals
from rondpoint.model import Router, ServerState, Service
from rondpoint.store.agents import AgentStatus
from rondpoint.store.connection_metrics import NOTHING_ACTIVE, ActiveConnections
from rondpoint.store.ejections import ejection_key, split_ejection_key
from rondpoint.store.workers import WorkerStatus
from rondpoint.tls.model import Certificate

Values = Mapping[Labels, float]


class ServedConfiguration(Struct, frozen=True):
    """The current configuration of the worker that renders the page; of middlewares, only the names.

    `connections` knows its routers, services and servers of TCP and UDP.
    """

    routers: Mapping[str, Router]
    services: Mapping[str, Service]
    middlewares: Container[str] = ()
    certificates: Sequence[Certificate] = ()
    connections: ActiveConnections = NOTHING_ACTIVE


class InstanceMetrics(Struct, frozen=True):
    """The values of one instance; `common` holds the labels of all its samples.

    `living` are the workers with a recent sign of life. `processes` is the usage of the rendering instance's
    processes; None for other instances, or if the kernel does not report it.
    """

    instance: Instance
    living: tuple[WorkerStatus, ...]
    totals: Totals
    now: float
    common: Mapping[str, str]
    processes: Processes | None


def _one(value: float) -> Values:
    return {(): value}


def _reloads(metrics: InstanceMetrics) -> Values:
    # A new worker continues the count of those it finds, so the largest count is the instance's.
    return _one(max((worker.reloads for worker in metrics.instance.workers), default=0))


def _last_reload(metrics: InstanceMetrics) -> Values:
    return _one(max((worker.changed_at for worker in metrics.instance.workers), default=0.0))


def _connections(metrics: InstanceMetrics) -> Values:
    counts: dict[Labels, float] = {}
    for worker in metrics.living:
        for protocol, opened in (("TCP", worker.connections), ("UDP", worker.udp_sessions)):
            for entry_point, count in opened.items():
                key = (entry_point, protocol)
                counts[key] = counts.get(key, 0) + count
    return counts


def _age(metrics: InstanceMetrics) -> Values:
    confirmed = [worker.confirmed_at for worker in metrics.living if worker.confirmed_at]
    return _one(round(max(0.0, metrics.now - min(confirmed)), 3)) if confirmed else {}


def _tickets(metrics: InstanceMetrics) -> Values:
    return {("store",): metrics.totals.own.tickets, ("local",): metrics.totals.own.local_tickets}


def _copies(metrics: InstanceMetrics) -> Values:
    own = metrics.totals.own
    return {("sent",): own.copies_sent, ("failed",): own.copies_failed, ("dropped",): own.copies_dropped}


def _udp_sessions(metrics: InstanceMetrics) -> Values:
    own = metrics.totals.own
    return {("begun",): own.udp_sessions, ("refused",): own.udp_refused_sessions}


def _handshake_failures(metrics: InstanceMetrics) -> Values:
    return {
        (entry_point, reason): count
        for entry_point, failures in metrics.totals.own.handshake_failures.items()
        for reason, count in failures.items()
    }


def _usage(amount: Callable[[Processes], float | None]) -> Callable[[InstanceMetrics], Values]:
    def values(metrics: InstanceMetrics) -> Values:
        found = None if metrics.processes is None else amount(metrics.processes)
        return {} if found is None else _one(found)

    return values


INSTANCE_METRICS: dict[Metric, Callable[[InstanceMetrics], Values]] = {
    catalogue.CONFIG_RELOADS: _reloads,
    catalogue.CONFIG_LAST_RELOAD: _last_reload,
    catalogue.OPEN_CONNECTIONS: _connections,
    catalogue.REVISION: lambda metrics: _one(min((worker.revision for worker in metrics.living), default=0)),
    catalogue.AGE: _age,
    catalogue.TICKETS: _tickets,
    catalogue.LATE_TICKETS: lambda metrics: _one(metrics.totals.own.late_tickets),
    catalogue.DEGRADED: lambda metrics: _one(sum(worker.degraded for worker in metrics.living)),
    catalogue.WORKERS: lambda metrics: _one(len(metrics.living)),
    catalogue.UPGRADES: lambda metrics: _one(sum(worker.upgrades for worker in metrics.living)),
    catalogue.DROPPED_LINES: lambda metrics: _one(metrics.totals.own.dropped_lines),
    catalogue.DROPPED_SPANS: lambda metrics: _one(metrics.totals.own.dropped_spans),
    catalogue.COPIES: _copies,
    catalogue.HANDSHAKE_FAILURES: _handshake_failures,
    catalogue.UDP_SESSIONS: _udp_sessions,
    catalogue.UDP_DROPPED_DATAGRAMS: lambda metrics: _one(metrics.totals.own.udp_dropped_datagrams),
    catalogue.CPU: _usage(lambda processes: processes.cpu_seconds),
    catalogue.RESIDENT_MEMORY: _usage(lambda processes: processes.resident),
    catalogue.VIRTUAL_MEMORY: _usage(lambda processes: processes.virtual),
    catalogue.OPEN_FDS: _usage(lambda processes: processes.open_fds),
    catalogue.MAX_FDS: _usage(lambda processes: processes.max_fds),
    catalogue.START_TIME: _usage(lambda processes: processes.started_at),
}


def retries(metrics: InstanceMetrics) -> Values:
    """Return the retries by service."""
    return {(service,): count for service, count in metrics.totals.retries.items()}


def own_certificates(metrics: InstanceMetrics) -> Values:
    """Return the ends of the certificates of entry points by common name, serial number and domains."""
    return {
        (each.common_name, each.serial, each.sans): each.not_after
        for worker in metrics.living
        for each in worker.certificates
    }


def refusals(metrics: InstanceMetrics, middlewares: Container[str]) -> Values:
    """Return the refusals of these middlewares by middleware, kind and reason."""
    return {labels: count for labels, count in metrics.totals.refusals.items() if labels[0] in middlewares}


def servers_up(services: Mapping[str, Service], ejected: Collection[str]) -> Iterator[tuple[Labels, float]]:
    """Yield the results of active and passive health checks by service and URL."""
    for service in services.values():
        if service.health_check is None and service.passive_health_check is None:
            continue
        for server in service.servers:
            is_ejected = ejection_key(server.url, service.name) in ejected
            yield (
                (service.name, server.url),
                float(server.state is not ServerState.DOWN and not is_ejected),
            )


def installation_values(snapshot: StoreSnapshot) -> dict[Metric, Values]:
    """Return the values that are the same for every instance."""
    now = snapshot.now
    instances = {worker.instance for worker in snapshot.workers.values() if worker.alive(now)}
    agents = [agent for agent in snapshot.agents.values() if agent.alive(now)]
    return {
        catalogue.INSTANCES: _one(len(instances)),
        catalogue.AGENTS: _one(len(agents)),
        catalogue.PROVIDER_UP: _providers(agents),
        catalogue.EJECTED: {(split_ejection_key(key)[0],): 1.0 for key in snapshot.ejected},
        catalogue.ACME_ORDERS: {labels: float(count) for labels, count in snapshot.orders.items()},
    }


def _providers(agents: Iterable[AgentStatus]) -> Values:
    return {
        (agent.name, name): float(provider.state == "ok")
        for agent in agents
        for name, provider in agent.providers.items()
    }
