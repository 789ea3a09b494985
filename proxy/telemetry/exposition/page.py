"""Collects the families of the whole page `/metrics`, and encodes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from proxy.telemetry.exposition import catalogue
from proxy.telemetry.exposition.certificate_values import expiry_times, resolver_certificates
from proxy.telemetry.exposition.connection_families import add_connection_families, connection_totals
from proxy.telemetry.exposition.encoding import encode
from proxy.telemetry.exposition.families import Families, add_level, histogram, samples
from proxy.telemetry.exposition.metric_values import (
    INSTANCE_METRICS,
    InstanceMetrics,
    ServedConfiguration,
    Values,
    installation_values,
    own_certificates,
    refusals,
    retries,
    servers_up,
)
from proxy.telemetry.exposition.server_families import add_servers, server_totals
from proxy.telemetry.exposition.totals import Labels, Totals
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.server_metrics import ActiveServers

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

    from proxy.telemetry.exposition.connection_catalogue import Level
    from proxy.telemetry.exposition.process_usage import Processes
    from proxy.telemetry.exposition.store_snapshot import Instance, StoreSnapshot
    from rondpoint.settings import PrometheusMetrics

INSTANCE_LABEL = "rondpoint_instance"
"""The label that distinguishes instances if the page covers the installation."""


def page(
    snapshot: StoreSnapshot,
    served: ServedConfiguration,
    options: PrometheusMetrics,
    accept: str,
    yield_if_due: Callable[[], None],
    processes: Mapping[str, Processes],
    *,
    per_instance: bool = False,
) -> tuple[Iterator[bytes], str]:
    """Return the pieces of the page, and their content type, in a format that the client accepts.

    With `per_instance`, samples have a label with their instance. `processes` holds the known process usage
    by instance.
    """
    families = Families(yield_if_due, zeros=options.add_zero_series)
    instances = [
        _instance_metrics(
            each, snapshot, served, options, yield_if_due, processes.get(each.name), per_instance
        )
        for each in snapshot.instances
    ]
    for metric, values in INSTANCE_METRICS.items():
        families.add(metric, samples(metric, [(values(each).items(), each.common) for each in instances]))
    for metric, installation_value in installation_values(snapshot).items():
        families.add(metric, samples(metric, [(installation_value.items(), {})]))
    families.add(
        catalogue.CERTIFICATES,
        samples(catalogue.CERTIFICATES, _certificates(instances, served, yield_if_due)),
    )
    certificates: Values = {(): float(len(served.certificates))}
    families.add(
        catalogue.TLS_CERTIFICATES, samples(catalogue.TLS_CERTIFICATES, [(certificates.items(), {})])
    )
    obtained = resolver_certificates(served.certificates, snapshot.acme)
    families.add(catalogue.ACME_CERTIFICATES, samples(catalogue.ACME_CERTIFICATES, [(obtained.items(), {})]))
    families.add(catalogue.PROPAGATION, _propagation(instances))
    refused = [(refusals(each, served.middlewares).items(), each.common) for each in instances]
    families.add(catalogue.REFUSALS, samples(catalogue.REFUSALS, refused))
    header_labels = tuple(options.header_labels)
    if options.add_entry_points_labels:
        sums = [(each.totals.entry_points, each.common) for each in instances]
        add_level(families, catalogue.ENTRY_POINTS, sums, options.buckets, header_labels)
    if options.add_routers_labels:
        sums = [(each.totals.routers, each.common) for each in instances]
        add_level(families, catalogue.ROUTERS, sums, options.buckets, header_labels)
    if options.add_services_labels:
        sums = [(each.totals.services, each.common) for each in instances]
        add_level(families, catalogue.SERVICES, sums, options.buckets, header_labels)
        retried = [(retries(each).items(), each.common) for each in instances]
        families.add(catalogue.RETRIES, samples(catalogue.RETRIES, retried))
        states = servers_up(served.services, frozenset(snapshot.ejected))
        families.add(catalogue.SERVER_UP, samples(catalogue.SERVER_UP, [(states, {})]))
    if options.add_servers_labels:
        known = ActiveServers(served.services)
        servers = [
            (server_totals(each.instance.servers, known, yield_if_due), each.common) for each in instances
        ]
        add_servers(families, catalogue.SERVERS, servers, options.buckets)
    connections = [
        (connection_totals(each.instance.connections, served.connections, yield_if_due), each.common)
        for each in instances
    ]
    add_connection_families(families, _connection_levels(options), connections)
    return encode(families.all, accept)


def _connection_levels(options: PrometheusMetrics) -> list[Level]:
    """Return the levels at which connections are shown."""
    chosen: dict[Level, bool] = {
        "router": options.add_routers_labels,
        "service": options.add_services_labels,
        "server": options.add_servers_labels,
    }
    return [level for level, shown in chosen.items() if shown]


def _instance_metrics(
    instance: Instance,
    snapshot: StoreSnapshot,
    served: ServedConfiguration,
    options: PrometheusMetrics,
    yield_if_due: Callable[[], None],
    processes: Processes | None,
    per_instance: bool,
) -> InstanceMetrics:
    totals = Totals(options.buckets, len(options.header_labels))
    totals.add_all(instance.hashes, served.routers, served.services, yield_if_due)
    return InstanceMetrics(
        instance,
        tuple(worker for worker in instance.workers if worker.alive(snapshot.now)),
        totals,
        snapshot.now,
        {INSTANCE_LABEL: instance.name} if per_instance else {},
        processes,
    )


def _certificates(
    instances: Sequence[InstanceMetrics], served: ServedConfiguration, yield_if_due: Callable[[], None]
) -> Iterator[tuple[Iterable[tuple[Labels, float]], Mapping[str, str]]]:
    """Yield the ends of certificates: of those of each instance, and of those that all serve."""
    common = expiry_times(served.certificates, yield_if_due)
    for each in instances:
        own = own_certificates(each)
        if not each.common:
            # A certificate may be in the settings and in the configuration.
            common = {name: end for name, end in common.items() if name not in own}
        yield own.items(), each.common
    yield common.items(), {}


def _propagation(instances: Iterable[InstanceMetrics]) -> Iterable[Sample]:
    for each in instances:
        own = each.totals.own
        yield from histogram(
            catalogue.PROPAGATION,
            own.propagation or (0,) * (len(BOUNDS) + 1),
            BOUNDS,
            own.propagation_seconds,
            each.common,
        )
