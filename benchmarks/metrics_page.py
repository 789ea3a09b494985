"""`python -m benchmarks.metrics_page`: what one scrape of `/metrics` costs, by the number of services."""

# ruff: noqa: E402 - gevent replaces parts of modules before others take them
from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time, thread_time, time

from gevent import monkey

monkey.patch_all()

import click
import gevent
from msgspec import Struct

from proxy.telemetry.exposition.exposition import Exposition, MetricsResponse
from proxy.telemetry.instance import INSTANCE
from rondpoint.configuration import Configuration
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.settings import PrometheusMetrics
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS, Cell, Counts, write_counts, write_fields
from rondpoint.store.server_metrics import ServerCounts, server_field
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.lab.store import Store

WORKER = f"{INSTANCE}-1"
BUCKETS = (10, *(0,) * len(BOUNDS))
PORTION = 500
"""Fields written to the store at once."""


class Scrape(Struct, frozen=True):
    """The size of a page, its lines, the CPU time that it took, and the longest time without other work."""

    size: int
    lines: int
    seconds: float
    longest: float


def configuration(count: int) -> Configuration:
    """Return a configuration of so many services, each with a router and a server."""
    names = [f"service-{number}@docker" for number in range(count)]
    rule = v3.parse("Host(`bench.test`)")
    return Configuration(
        routers={name: Router(name, rule, name, 1) for name in names},
        services={
            name: Service(name, (Server(name, f"10.{number >> 8}.{number & 255}.1", 80),))
            for number, name in enumerate(names)
        },
    )


def store_counts(store: Store, keys: Keys, served: Configuration) -> None:
    """Write the counts of a worker that has served requests for each service."""
    client = connect(store.url)
    now = time()
    write_worker(client, keys, WorkerStatus(WORKER, INSTANCE, "host", 1, now, now))
    cell = Cell("web", "GET", 200, "http", BUCKETS, 0.25, 300)
    names = list(served.services)
    for start in range(0, len(names), PORTION):
        portion = names[start : start + PORTION]
        counts = {
            name: Counts(service=name, buckets=BUCKETS, cells=(cell,), bounds=BOUNDS) for name in portion
        }
        write_counts(client, keys, WORKER, counts)
        servers = {
            server_field(name, served.services[name].servers[0].url): ServerCounts({200: 10}, BUCKETS, 0.25)
            for name in portion
        }
        write_fields(client, keys.server_metrics(WORKER), servers)
    # No worker renews them.
    client.persist(keys.metrics(WORKER))
    client.persist(keys.server_metrics(WORKER))
    client.close()


def watch(work: Callable[[], MetricsResponse]) -> tuple[MetricsResponse, float]:
    """Run the work in a greenlet; return its result, and the longest CPU time between turns of others."""
    longest = 0.0
    greenlet = gevent.spawn(work)
    before = thread_time()
    while not greenlet.ready():
        gevent.sleep(0)
        now = thread_time()
        longest, before = max(longest, now - before), now
    found: MetricsResponse = greenlet.get()
    return found, longest


def measure(count: int, options: PrometheusMetrics) -> Scrape:
    """Scrape a page of so many services with these options."""
    served, keys = configuration(count), Keys()
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory)) as store:
        store_counts(store, keys, served)
        exposition = Exposition(connect(store.url), keys, lambda: served, options)

        def scrape() -> MetricsResponse:
            return exposition.respond("", "")

        # The first one imports what only this page needs. A worker freezes what it has at its start, too.
        watch(scrape)
        gc.collect()
        gc.freeze()
        began = process_time()
        response, longest = watch(scrape)
        seconds = process_time() - began
    lines = sum(piece.count(b"\n") for piece in response.pieces)
    return Scrape(response.length, lines, seconds, longest)


@click.command(help="Measure a scrape of /metrics; see docs/performance.md.")
@click.option("--services", type=click.IntRange(1, 100_000), default=10_000, show_default=True)
def main(services: int) -> None:
    """Print a line for each choice of options."""
    choices = {
        "all levels": PrometheusMetrics(add_routers_labels=True),
        "without servers": PrometheusMetrics(add_routers_labels=True, add_servers_labels=False),
    }
    click.echo(f"{services:,} services     MB     lines  CPU ms  longest ms")
    for name, options in choices.items():
        found = measure(services, options)
        click.echo(
            f"{name:20} {found.size / 1e6:6.1f} {found.lines:9,} {found.seconds * 1000:7.0f} "
            f"{found.longest * 1000:11.1f}"
        )


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.metrics_page")
