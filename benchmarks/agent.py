"""`python -m benchmarks.agent`: the agent's time for one container event, by the number of containers."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import click

from benchmarks.quantiles import percentile
from discovery.labels import decode
from discovery.labels.container import Container
from discovery.labels.options import engine_label_options
from discovery.merging.merge import merge
from discovery.merging.union import Union
from rondpoint.settings import DockerOptions
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab.store import Store

PROVIDER = "docker"
ENTRY_POINTS = ("web",)


def container(number: int, address: int) -> Container:
    """Return a container with its own router and service; `address` changes when it restarts."""
    name = f"c{number}"
    labels = {
        f"traefik.http.routers.{name}.rule": f"Host(`{name}.test`)",
        f"traefik.http.services.{name}.loadbalancer.server.port": "80",
    }
    host = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{address}"
    return Container(id=name, name=name, labels=labels, networks={"bridge": host}, ports=(80,))


def measure(count: int, events: int) -> list[float]:
    """Return, for each event, the milliseconds from the inspected container to the published change."""
    options = engine_label_options(DockerOptions())
    union = Union(PROVIDER)
    for number in range(count):
        union.put(str(number), decode(container(number, 1), options))
    durations = []
    with tempfile.TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory)) as store:
        client = connect(store.url)
        publisher = Publisher(client, Keys())
        publisher.publish(merge({PROVIDER: union.configuration()}, ENTRY_POINTS))
        for event in range(events):
            number = event * 7919 % count
            begun = time.perf_counter()
            union.put(str(number), decode(container(number, 2 + event % 250), options))
            publisher.publish(merge({PROVIDER: union.configuration()}, ENTRY_POINTS))
            durations.append((time.perf_counter() - begun) * 1000)
        client.close()
    return durations


@click.command(
    help="Measure the time from an event (without inspection) to the store; see docs/performance.md."
)
@click.option("--events", type=click.IntRange(10, 10_000), default=200, show_default=True)
def main(events: int) -> None:
    """Print a line for each number of containers."""
    click.echo("containers   median ms   p95 ms")
    for count in (100, 1_000, 10_000):
        durations = measure(count, events)
        click.echo(f"{count:10,} {statistics.median(durations):11.2f} {percentile(durations, 95):8.2f}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.agent")
