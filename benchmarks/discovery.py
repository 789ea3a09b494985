"""`python -m benchmarks.discovery`: the time from a container's start to its first response.

The start is the `timeNano` of the Docker engine's `start` event; the engine must run on this machine. The end
is the moment when a client that sends a request every millisecond has read its first 200.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket

import click
from docker import DockerClient
from docker.models.containers import Container

from benchmarks.command import exit_cleanly_on_sigterm
from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import Site
from benchmarks.probe import wait_for_200
from benchmarks.processes import Launch, running
from benchmarks.quantiles import percentile
from benchmarks.watchers import WATCHERS, Watcher
from tests.lab.engine import Engine
from tests.lab.errors import LabError
from tests.lab.image import import_whoami
from tests.lab.namespace import connect
from tests.lab.ports import free_port

READY_SECONDS = 30.0
RESPONSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One container: the ms from its start event to its first 200, and the 5xx responses before."""

    host: str
    milliseconds: float
    faults: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A running proxy, reached by `dial`, and the engine that it follows."""

    client: DockerClient
    image: str
    watcher: Watcher
    dial: Callable[[], socket]
    containers: list[Container] = field(default_factory=list)

    def start_container(self, host: str, seconds: float) -> Arrival:
        """Start a container for `host` and wait for its first 200.

        Raises BenchmarkError if there is none within `seconds`.
        """
        container = self.client.containers.create(self.image, labels=dict(self.watcher.labels(host)))
        self.containers.append(container)
        since = int(time.time())
        with ThreadPoolExecutor(1) as pool:
            # The client starts before the container, so that no time is lost.
            pending = pool.submit(wait_for_200, self.dial, host, seconds)
            container.start()
            response = pending.result()
        return Arrival(
            host=host,
            milliseconds=(response.at - self._start_time(container, since)) / 1e6,
            faults=sum(count for status, count in response.earlier.items() if status >= 500),
        )

    def _start_time(self, container: Container, since: int) -> int:
        """Return the time of the container's start event in ns since 1970; the engine keeps recent events."""
        events = self.client.events(
            since=since,
            until=int(time.time()) + 1,
            filters={"container": container.id, "event": "start"},
            decode=True,
        )
        with closing(events):
            for event in events:
                return int(event["timeNano"])
        raise BenchmarkError(f"the engine has no start event for {container.name}")


@contextmanager
def scene(watcher: Watcher) -> Iterator[Scene]:
    """Start the proxy with a new engine that it follows. Raises BenchmarkError or LabError."""
    with (
        tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name,
        Engine() as engine,
        closing(engine.client()) as client,
    ):
        port = free_port(namespace=engine.namespace)
        while (admin_port := free_port(namespace=engine.namespace)) == port:
            pass
        launch = watcher.prepare(Site(Path(name), port, admin_port, ()), engine.socket_url)
        inside = Launch([*engine.enter, *launch.command], launch.directory, launch.environment)
        dial = partial(connect, "127.0.0.1", port, namespace=engine.namespace)
        with running(inside, None, watcher.name) as proxy:
            found = Scene(client, import_whoami(client), watcher, dial)
            try:
                # This container is not counted: it shows that the proxy follows the engine.
                found.start_container("c0.bench", READY_SECONDS)
                yield found
            except BenchmarkError as error:
                raise BenchmarkError(f"{error}\n{proxy.tail()}") from error
            finally:
                for container in found.containers:
                    container.remove(force=True)


def measure(watcher: Watcher, count: int, pause: float, progress: Callable[[str], None]) -> list[Arrival]:
    """Start `count` containers one at a time, each `pause` seconds after the last was served."""
    arrivals = []
    with scene(watcher) as found:
        for number in range(1, count + 1):
            time.sleep(pause)
            arrivals.append(found.start_container(f"c{number}.bench", RESPONSE_SECONDS))
            progress(f"{watcher.name} {arrivals[-1].host:10} {arrivals[-1].milliseconds:8.1f} ms")
    return arrivals


def summary(arrivals: Sequence[Arrival]) -> str:
    """Return one line: the number of containers, min, p50, p90 and max in ms, and the 5xx responses."""
    times = [arrival.milliseconds for arrival in arrivals]
    shares = {"min": 0, "p50": 50, "p90": 90, "max": 100}
    figures = "  ".join(f"{name} {percentile(times, share):.1f}" for name, share in shares.items())
    faults = sum(arrival.faults for arrival in arrivals)
    return f"{len(times)} containers, ms: {figures}; 5xx responses: {faults}"


@click.command(help="Measure the time from a container's start event to its first response.")
@click.option("--peer", type=click.Choice(list(WATCHERS)), default="rondpoint", show_default=True)
@click.option("--containers", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option(
    "--pause", type=click.FloatRange(0, 60), default=0.5, show_default=True, help="Seconds between."
)
def main(peer: str, containers: int, pause: float) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    try:
        arrivals = measure(WATCHERS[peer], containers, pause, lambda line: click.echo(line, err=True))
    except (BenchmarkError, LabError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{peer}: {summary(arrivals)}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.discovery")
