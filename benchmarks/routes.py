"""`python -m benchmarks.routes`: the cost of many routers, and the effect of changes on traffic."""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import click
import msgspec
import yaml

from benchmarks.command import exit_cleanly_on_sigterm, pin_to_load_core
from benchmarks.cpu import tree_seconds
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.load_report import Report
from benchmarks.memory import process_bytes
from benchmarks.origin import Origin, body, run_origin
from benchmarks.peers.rondpoint import rondpoint_program
from benchmarks.peers.traefik import ENVIRONMENT, quiet_flags, traefik_program
from benchmarks.processes import Launch, RunningProgram, free_ports, running
from benchmarks.quantiles import percentile
from benchmarks.scenarios import SCENARIOS
from rondpoint.configuration import Configuration
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.change import Change, encode
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import revision
from tests.lab.store import Store

PROXY_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 64
READY_SECONDS = 60.0
COUNTS = (1, 100, 1_000, 10_000, 100_000)
TRAEFIK_COUNTS = (1, 100, 1_000, 10_000)
PATTERNS, PREFIXES, SHARED_HOSTS = 200, 2_000, 20
SERVICES, CHANGES_PER_SECOND, CHANGING_SECONDS = 10_000, 20, 10
_SERVICE = "bench@file"


def routers(count: int, *, mixed: bool = False) -> dict[str, Router]:
    """Return `count` routers with one host each; `mixed` adds patterns, and paths of shared hosts."""
    rules = [f"Host(`h{number}.test`)" for number in range(count)]
    if mixed:
        rules += [f"HostRegexp(`^p{number}-[a-z]+\\.test$`)" for number in range(PATTERNS)]
        rules += [
            f"Host(`shared{number % SHARED_HOSTS}.test`) && PathPrefix(`/p{number}`)"
            for number in range(PREFIXES)
        ]
    by_name = {f"r{number}@file": rule for number, rule in enumerate(rules)}
    return {name: Router(name, v3.parse(rule), _SERVICE, len(rule)) for name, rule in by_name.items()}


def service(ports: tuple[int, ...], name: str = _SERVICE) -> Service:
    return Service(name, tuple(Server(f"s{port}", "127.0.0.1", port) for port in ports))


@contextmanager
def run_proxy(directory: Path, store: Store, workers: int = 1) -> Iterator[tuple[RunningProgram, int]]:
    """Run `rondpoint proxy` on this store; yield the program and its port."""
    port, admin_port = free_ports(2)
    command = [
        rondpoint_program(),
        "proxy",
        f"--workers={workers}",
        f"--redis.url={store.url}",
        f"--stateDirectory={directory}",
        "--log.level=ERROR",
        f"--entryPoints.web.address=127.0.0.1:{port}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin_port}",
    ]
    with running(Launch(command, directory), PROXY_CORE, "rondpoint") as proxy:
        _wait_for_200(proxy, port, "h0.test")
        yield proxy, port


@contextmanager
def traefik(directory: Path, origin: Origin, count: int) -> Iterator[tuple[RunningProgram, int]]:
    """Run Traefik with the same routers from a file; yield the program and its port."""
    (port,) = free_ports(1)
    servers = [{"url": f"http://127.0.0.1:{server}"} for server in origin.ports]
    rules = {f"r{number}": f"Host(`h{number}.test`)" for number in range(count)}
    document = {
        "http": {
            "routers": {name: {"rule": rule, "service": "bench"} for name, rule in rules.items()},
            "services": {"bench": {"loadBalancer": {"servers": servers}}},
        }
    }
    file = directory / "dynamic.yml"
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper))
    address = f"--entryPoints.web.address=127.0.0.1:{port}"
    command = [traefik_program(), *quiet_flags(), address, f"--providers.file.filename={file}"]
    with running(Launch(command, directory, ENVIRONMENT), PROXY_CORE, "traefik") as proxy:
        _wait_for_200(proxy, port, f"h{count - 1}.test")
        yield proxy, port


def _wait_for_200(proxy: RunningProgram, port: int, host: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            if _get(port, host)[0] == 200:
                return
        except OSError:
            pass  # Not listening yet.
        proxy.require_alive()
        if time.monotonic() > end:
            raise BenchmarkError(f"no 200 for {host}:\n{proxy.tail()}")
        time.sleep(0.02)


def _get(port: int, host: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _load(port: int, hosts: int, directory: Path, seconds: int) -> Report:
    """Send requests for all hosts, no two with the same head."""
    os.environ["RONDPOINT_BENCH_HOSTS"] = str(hosts)
    try:
        return Load(SCENARIOS["varied"], port, CONNECTIONS, LOAD_CORE, directory).run(seconds)
    finally:
        del os.environ["RONDPOINT_BENCH_HOSTS"]


def _cost(pids: list[int], port: int, hosts: int, directory: Path, seconds: int) -> float:
    """Return the CPU µs per request, after a warm-up with requests for every host."""
    _load(port, hosts, directory, max(2, hosts // 15_000 + 1))
    before = sum(map(tree_seconds, pids))
    report = _load(port, hosts, directory, seconds)
    if report.errors:
        raise BenchmarkError(f"{report.errors} requests failed")
    return (sum(map(tree_seconds, pids)) - before) * 1e6 / report.requests


def measure_costs(seconds: int, rounds: int) -> None:
    """Print the CPU time of a request by the number of routers."""
    click.echo("routers          Rondpoint µs   Traefik µs")
    first: dict[str, float] = {}
    for count, mixed in [*((count, False) for count in COUNTS), (COUNTS[-1], True)]:
        found: dict[str, list[float]] = {"rondpoint": [], "traefik": []}
        for _ in range(rounds):
            with _site() as (directory, origin):
                with Store(directory) as store:
                    _publish(store, routers(count, mixed=mixed), service(origin.ports))
                    with run_proxy(directory, store) as (proxy, port):
                        pids = [proxy.pid, store.process.pid]
                        found["rondpoint"].append(_cost(pids, port, count, directory, seconds))
                if count in TRAEFIK_COUNTS and not mixed:
                    with traefik(directory, origin, count) as (proxy, port):
                        found["traefik"].append(_cost([proxy.pid], port, count, directory, seconds))
        cells = []
        for name, values in found.items():
            if not values:
                cells.append(f"{'':>13}")
                continue
            median = statistics.median(values)
            first.setdefault(name, median)
            cells.append(f"{median:6.1f} ({median / first[name]:.2f})")
        click.echo(f"{count:>9,} {'mixed' if mixed else '':6} {cells[0]:>13} {cells[1]:>13}")


@contextmanager
def _site() -> Iterator[tuple[Path, Origin]]:
    with tempfile.TemporaryDirectory(prefix="rb-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with run_origin(directory / "origin", LOAD_CORE) as origin:
            yield directory, origin


def _publish(store: Store, named_routers: dict[str, Router], *services: Service) -> None:
    with connect(store.url) as client:
        by_name = {each.name: each for each in services}
        Publisher(client, Keys()).publish(Configuration(named_routers, by_name))


def measure_loading() -> None:
    """Print how long a worker takes to load 100,000 routers, and how much memory they need."""
    with tempfile.TemporaryDirectory(prefix="rb-") as name, Store(Path(name)) as store:
        figures = []
        for count in (1, COUNTS[-1]):
            _publish(store, routers(count), service((80,)))
            output = subprocess.run(
                [sys.executable, "-m", "benchmarks.routes", "--reader", store.url],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            figures.append(msgspec.json.decode(output, type=tuple[float, int, float]))
    (_, least, _), (seconds, most, pause) = figures
    per_router = (most - least) / (COUNTS[-1] - 1)
    click.echo(
        f"{COUNTS[-1]:,} routers: loaded and active within {seconds:.2f} s; {per_router:,.0f} bytes each;"
        f" during a reload, other greenlets wait at most {pause * 1000:.1f} ms"
    )


def _reader(url: str) -> None:
    """Load the store as a worker does at its start, and again; print three figures.

    They are the seconds of the first load, the process's bytes after it, and the longest time in seconds for
    which another greenlet did not run during the second load.
    """
    from gevent import monkey  # noqa: PLC0415

    monkey.patch_all()
    import gevent  # noqa: PLC0415

    from proxy.background.cooperative_yield import CooperativeYield  # noqa: PLC0415
    from proxy.configuration.applier import Applier  # noqa: PLC0415
    from proxy.runtime import Runtime  # noqa: PLC0415
    from rondpoint.settings.load import load as load_settings  # noqa: PLC0415
    from rondpoint.store.read import load  # noqa: PLC0415

    settings = load_settings([f"--redis.url={url}"], {}, Path("/")).settings
    context = Runtime(settings).context
    begun = time.perf_counter()
    applier = Applier(context, CooperativeYield())

    def read() -> None:
        loaded = load(connect(url), Keys(), CooperativeYield(), applier.in_force())
        if loaded is None:
            raise BenchmarkError("the store is empty")
        applier.replace(loaded)

    read()
    seconds = time.perf_counter() - begun
    gc.collect()
    gc.freeze()
    memory = process_bytes(os.getpid())
    ticks: list[float] = []

    def record_ticks() -> None:
        while True:
            ticks.append(time.perf_counter())
            gevent.sleep(0.0005)

    other = gevent.spawn(record_ticks)
    gevent.sleep(0.01)
    read()
    gevent.sleep(0.01)
    other.kill()
    longest = max(later - earlier for earlier, later in itertools.pairwise(ticks))
    click.echo(msgspec.json.encode((seconds, memory, longest)).decode())


def measure_changes() -> None:
    """Print the effect on traffic of 20 changes a second to one of 10,000 services, and their delay."""
    with _site() as (directory, origin), Store(directory) as store:
        by_name = {
            f"r{number}@file": Router(
                f"r{number}@file", v3.parse(f"Host(`h{number}.test`)"), f"s{number}@file", 10
            )
            for number in range(SERVICES)
        }
        services = {f"s{n}@file": service(origin.ports, f"s{n}@file") for n in range(SERVICES)}
        _publish(store, by_name, *services.values())
        with run_proxy(directory, store) as (_, port):
            _load(port, 1_000, directory, 2)
            quiet = _load(port, 1_000, directory, CHANGING_SECONDS)
            delays: list[float] = []
            stop = threading.Event()
            changer = threading.Thread(target=_change, args=(store, origin, port, delays, stop))
            changer.start()
            busy = _load(port, 1_000, directory, CHANGING_SECONDS)
            stop.set()
            changer.join()
    click.echo(
        f"{SERVICES:,} services, one changed {CHANGES_PER_SECOND} times a second:"
        f" p99 {quiet.p99 / 1000:.2f} ms before, {busy.p99 / 1000:.2f} ms during the changes"
        f" ({busy.p99 / quiet.p99:.2f});"
        f" failed: {busy.errors};"
        f" active within {percentile(delays, 50):.1f} ms (median), {percentile(delays, 95):.1f} ms (95 %)"
        f" of {len(delays)} changes"
    )


def _change(store: Store, origin: Origin, port: int, delays: list[float], stop: threading.Event) -> None:
    """Move the last service from server to server; record the ms until a response comes from the new one.

    The changes are written to the store as the agent's script writes them. An agent's own work would use the
    core of load and origin here.
    """
    name, host, keys = f"s{SERVICES - 1}@file", f"h{SERVICES - 1}.test", Keys()
    count = 0
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    with connect(store.url) as client:
        stored = revision(client, keys) or 0
        while not stop.wait(1 / CHANGES_PER_SECOND):
            count += 1
            server = count % len(origin.ports)
            moved = service((origin.ports[server],), name)
            expected = body(server, SCENARIOS["varied"])
            begun = time.perf_counter()
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(keys.services, name, msgspec.json.encode(moved))
            pipeline.set(keys.revision, stored + count)
            change = Change(stored + count, stored + count - 1, services={name: moved})
            pipeline.publish(keys.changes, encode(change))
            pipeline.execute()
            while True:
                connection.request("GET", "/", headers={"Host": host})
                if connection.getresponse().read() == expected:
                    break
            delays.append((time.perf_counter() - begun) * 1000)
    connection.close()


@click.command(
    help="Measure CPU per request by the number of routers, loading, and changes; see docs/performance.md."
)
@click.option("--seconds", type=click.IntRange(1, 60), default=3, show_default=True, help="Measured load.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--reader", hidden=True)
def main(seconds: int, rounds: int, reader: str | None) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    if reader:
        _reader(reader)
        return
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        measure_loading()
        measure_changes()
        measure_costs(seconds, rounds)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.routes")
