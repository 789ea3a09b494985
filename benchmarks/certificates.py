"""`python -m benchmarks.certificates`: the cost of many certificates, in the proxy and in the agent."""

from __future__ import annotations

import gc
import itertools
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from benchmarks.command import exit_cleanly_on_sigterm, pin_to_load_core
from benchmarks.cpu import tree_nanoseconds
from benchmarks.errors import BenchmarkError
from benchmarks.memory import process_bytes, tree_bytes
from benchmarks.peers.rondpoint import rondpoint_program
from benchmarks.processes import Launch, RunningProgram, free_ports, running
from benchmarks.sample_certificates import make_pairs, to_certificates, write_pairs
from rondpoint.configuration import Configuration
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab.store import Store

PROXY_CORE, LOAD_CORE = 0, 1
READY_SECONDS = 120.0
HOT_NAMES = 10


class Client:
    """A TLS client that resumes no session."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE

    def certificate(self, host: str) -> bytes:
        """Connect, send a request, and return the certificate in DER. Raises OSError."""
        with (
            self._connect() as plain,
            self._context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode())
            connection.recv(1000)
            return connection.getpeercert(binary_form=True) or b""

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 10)
        # As in browsers: otherwise the request waits for the acknowledgement of the handshake's end.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def wait_for(self, host: str, chain: str, program: RunningProgram) -> float:
        """Connect until the client gets the first certificate of `chain`; return the seconds it took."""
        expected = ssl.PEM_cert_to_DER_cert(chain[: chain.index("-----END") + 25])
        begun = time.monotonic()
        while True:
            try:
                if self.certificate(host) == expected:
                    return time.monotonic() - begun
            except OSError:
                pass  # Not listening yet.
            program.require_alive()
            if time.monotonic() - begun > READY_SECONDS:
                raise BenchmarkError(f"no certificate for {host}:\n{program.tail()}")
            time.sleep(0.005)


class Costs(NamedTuple):
    """Seconds until the proxy serves, its bytes then and at the end, and CPU ms of a new connection.

    The names are hot (a few, by turns), random for the first time, and random once more.
    """

    start: float
    start_bytes: int
    end_bytes: int
    hot: float
    cold: float
    warm: float


@contextmanager
def proxy(directory: Path, store: Store) -> Iterator[tuple[RunningProgram, int]]:
    """Run `rondpoint proxy` with one worker on this store; yield the program and its port."""
    port, admin_port = free_ports(2)
    command = [
        rondpoint_program(),
        "proxy",
        "--workers=1",
        f"--redis.url={store.url}",
        f"--stateDirectory={directory}",
        "--log.level=ERROR",
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        "--entryPoints.websecure.http.tls=true",
        f"--entryPoints.traefik.address=127.0.0.1:{admin_port}",
    ]
    with running(Launch(command, directory), PROXY_CORE, "rondpoint") as program:
        yield program, port


def measure_connections(count: int, connections: int) -> Costs:
    """Publish `count` certificates, start a proxy, and connect to it."""
    pairs = make_pairs(count)
    hosts = [each.host for each in pairs]
    with tempfile.TemporaryDirectory(prefix="rb-") as name, Store(Path(name)) as store:
        publish(store, Configuration(certificates=to_certificates(pairs)))
        with proxy(Path(name), store) as (program, port):
            client = Client(port)
            start = client.wait_for(hosts[-1], pairs[-1].chain, program)
            start_bytes = tree_bytes(program.pid)

            def cost(names: Sequence[str]) -> float:
                before = tree_nanoseconds(program.pid)
                for host in names:
                    client.certificate(host)
                return (tree_nanoseconds(program.pid) - before) / 1e6 / len(names)

            hot = [hosts[number % min(HOT_NAMES, count)] for number in range(connections)]
            chosen = random.Random(1).sample(hosts, min(count, connections))
            cost(hot[:HOT_NAMES])
            figures = cost(hot), cost(chosen), cost(chosen)
            return Costs(start, start_bytes, tree_bytes(program.pid), *figures)


def publish(store: Store, configuration: Configuration) -> None:
    with connect(store.url) as client:
        Publisher(client, Keys()).publish(configuration)


class Reading(NamedTuple):
    """Seconds and bytes of a worker's first read; the longest CPU seconds that other greenlets wait.

    They wait so long during another read, and during a write of the local copy.
    """

    seconds: float
    memory: int
    read_pause: float
    save_seconds: float
    save_pause: float


def measure_reading(count: int) -> Reading:
    """Read `count` certificates in a process of its own, as a worker reads them."""
    with tempfile.TemporaryDirectory(prefix="rb-") as name, Store(Path(name)) as store:
        publish(store, Configuration(certificates=to_certificates(make_pairs(count))))
        command = [sys.executable, "-m", "benchmarks.certificates", "--reader", store.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return msgspec.json.decode(output, type=Reading)


def _reader(url: str) -> None:
    """Print what Reading says about the certificates in a store."""
    from gevent import monkey  # noqa: PLC0415

    monkey.patch_all()
    import gevent  # noqa: PLC0415

    from proxy.background.cooperative_yield import CooperativeYield  # noqa: PLC0415
    from proxy.configuration.applier import Applier  # noqa: PLC0415
    from proxy.configuration.snapshot import save  # noqa: PLC0415
    from proxy.runtime import Runtime  # noqa: PLC0415
    from proxy.tls.worker_contexts import PublishedCertificates  # noqa: PLC0415
    from rondpoint.settings.load import load as load_settings  # noqa: PLC0415
    from rondpoint.store.read import load  # noqa: PLC0415

    context = Runtime(load_settings([f"--redis.url={url}"], {}, Path("/")).settings).context
    gc.collect()
    before = process_bytes(os.getpid())
    applier = Applier(context, CooperativeYield(), receivers={"certificates": PublishedCertificates()})

    def read() -> None:
        loaded = load(connect(url), Keys(), CooperativeYield(), applier.in_force())
        if loaded is None:
            raise BenchmarkError("the store is empty")
        applier.replace(loaded)

    begun = time.perf_counter()
    read()
    seconds = time.perf_counter() - begun
    gc.collect()
    gc.freeze()
    memory = process_bytes(os.getpid()) - before
    ticks: list[float] = []

    def record_ticks() -> None:
        while True:
            # CPU time, because other programs make pauses, too.
            ticks.append(time.thread_time())
            gevent.sleep(0.0005)

    def longest_pause() -> float:
        gevent.sleep(0.01)
        found = max(later - earlier for earlier, later in itertools.pairwise(ticks))
        ticks[:-1] = []
        return found

    other = gevent.spawn(record_ticks)
    gevent.sleep(0.01)
    read()
    read_pause = longest_pause()
    with tempfile.TemporaryDirectory(prefix="rb-") as directory:
        copy = Path(directory) / "copy"
        save(copy, applier.state())
        longest_pause()
        # This one replaces a file, as most do.
        begun = time.perf_counter()
        save(copy, applier.state())
        figures = Reading(seconds, memory, read_pause, time.perf_counter() - begun, longest_pause())
    other.kill()
    click.echo(msgspec.json.encode(figures).decode())


class AgentCosts(NamedTuple):
    """Seconds until all certificates of the files are served, and bytes of the agent then.

    `replaced` is the seconds from the replacement of one file until clients get the new certificate.
    """

    start: float
    memory: int
    replaced: float


def measure_agent(count: int) -> AgentCosts:
    """Start an agent with a dynamic file of `count` pairs, and replace one pair."""
    with tempfile.TemporaryDirectory(prefix="rb-") as name, Store(Path(name)) as store:
        directory = Path(name)
        pairs = make_pairs(count)
        dynamic = write_pairs(directory / "pairs", pairs)
        command = [
            rondpoint_program(),
            "agent",
            f"--redis.url={store.url}",
            "--log.level=ERROR",
            f"--providers.file.filename={dynamic}",
        ]
        with (
            proxy(directory, store) as (program, port),
            running(Launch(command, directory), LOAD_CORE, "agent") as agent,
        ):
            client = Client(port)
            start = client.wait_for(pairs[-1].host, pairs[-1].chain, program)
            memory = tree_bytes(agent.pid)
            (new,) = make_pairs(1)
            write_pairs(directory / "pairs", [new])
            return AgentCosts(start, memory, client.wait_for(new.host, new.chain, program))


@click.command(help="Measure what many certificates cost; see docs/performance.md.")
@click.option("--counts", default="10,10000", show_default=True, help="Numbers of certificates.")
@click.option("--connections", type=click.IntRange(10, 100_000), default=2_000, show_default=True)
@click.option("--reader", hidden=True)
def main(counts: str, connections: int, reader: str | None) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    if reader:
        _reader(reader)
        return
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        for count in map(int, counts.split(",")):
            _report(count, connections)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error


def _report(count: int, connections: int) -> None:
    reading = measure_reading(count)
    click.echo(
        f"{count:,} certificates: a worker reads them within {reading.seconds:.2f} s, "
        f"{reading.memory / count:,.0f} bytes each; others wait at most {reading.read_pause * 1000:.1f} ms; "
        f"the local copy takes {reading.save_seconds:.2f} s, and they wait {reading.save_pause * 1000:.1f} ms"
    )
    costs = measure_connections(count, connections)
    click.echo(
        f"  served {costs.start:.2f} s after the start; {costs.start_bytes / 1e6:.1f} MB then, "
        f"{costs.end_bytes / 1e6:.1f} MB at the end; CPU ms of a new connection: {HOT_NAMES} names "
        f"{costs.hot:.2f}, random names at first {costs.cold:.2f}, again {costs.warm:.2f}"
    )
    agent = measure_agent(count)
    click.echo(
        f"  from files: served {agent.start:.2f} s after the start of agent and proxy; the agent has "
        f"{agent.memory / 1e6:.1f} MB; a replaced one is served within {agent.replaced:.2f} s"
    )


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.certificates")
