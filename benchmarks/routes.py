"""`python -m benchmarks.routes`: what the number of routers costs, and what their changes do to traffic."""

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
from benchmarks.load import Load, Report
from benchmarks.memory import process_bytes
from benchmarks.origin import Origin, body, run_origin
from benchmarks.peers.rondpoint import rondpoint_program
from benchmarks.peers.traefik import ENVIRONMENT, quiet_flags, traefik_program
from benchmarks.processes import Launch, Running, free_ports, running
from benchmarks.quantiles import percentile
from benchmarks.scenarios import SCENARIOS
from rondpoint.model import Configuration, Router, Server, Service
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
    """So many routers of one host each; mixed, also others by pattern, and by path under shared hosts."""
    rules = [f"Host(`h{number}.test`)" for number in range(count)]
    if mixed:
        rules += [f"HostRegexp(`^p{number}-[a-z]+\\.test$`)" for number in range(PATTERNS)]
        rules += [
            f"Host(`shared{number % SHARED_HOSTS}.test`) && PathPrefix(`/p{number}`)"
            for number in range(PREFIXES)
        ]
    named = {f"r{number}@file": rule for number, rule in enumerate(rules)}
    return {name: Router(name, v3.parse(rule), _SERVICE, len(rule)) for name, rule in named.items()}


def service(ports: tuple[int, ...], name: str = _SERVICE) -> Service:
    return Service(name, tuple(Server(f"s{port}", "127.0.0.1", port) for port in ports))


@contextmanager
def run_proxy(directory: Path, store: Store, workers: int = 1) -> Iterator[tuple[Running, int]]:
    """`rondpoint proxy` on this store, and its port."""
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
def traefik(directory: Path, origin: Origin, count: int) -> Iterator[tuple[Running, int]]:
    """Traefik with the same routers, from a file, and its port."""
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


def _wait_for_200(proxy: Running, port: int, host: str) -> None:
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
    """Requests that ask for all hosts in turn, no two with the same head."""
    os.environ["RONDPOINT_BENCH_HOSTS"] = str(hosts)
    try:
        return Load(SCENARIOS["varied"], port, CONNECTIONS, LOAD_CORE, directory).run(seconds)
    finally:
        del os.environ["RONDPOINT_BENCH_HOSTS"]


def _cost(pids: list[int], port: int, hosts: int, directory: Path, seconds: int) -> float:
    """CPU µs per request, after a warm-up in which every host was asked for."""
    _load(port, hosts, directory, max(2, hosts // 15_000 + 1))
    before = sum(map(tree_seconds, pids))
    report = _load(port, hosts, directory, seconds)
    if report.errors:
        raise BenchmarkError(f"{report.errors} requests failed")
    return (sum(map(tree_seconds, pids)) - before) * 1e6 / report.requests


def costs(seconds: int, rounds: int) -> None:
    """Print what a request costs, by the number of routers."""
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
        shown = []
        for name, values in found.items():
            if not values:
                shown.append(f"{'':>13}")
                continue
            median = statistics.median(values)
            first.setdefault(name, median)
            shown.append(f"{median:6.1f} ({median / first[name]:.2f})")
        click.echo(f"{count:>9,} {'mixed' if mixed else '':6} {shown[0]:>13} {shown[1]:>13}")


@contextmanager
def _site() -> Iterator[tuple[Path, Origin]]:
    with tempfile.TemporaryDirectory(prefix="rb-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with run_origin(directory / "origin", LOAD_CORE) as origin:
            yield directory, origin


def _publish(store: Store, named: dict[str, Router], *services: Service) -> None:
    with connect(store.url) as client:
        Publisher(client, Keys()).publish(Configuration(named, {each.name: each for each in services}))


def loading() -> None:
    """Print how long a worker takes to read 100,000 routers, and what they need of its memory."""
    with tempfile.TemporaryDirectory(prefix="rb-") as name, Store(Path(name)) as store:
        figures = []
        for count in (1, COUNTS[-1]):
            _publish(store, routers(count), service((80,)))
            told = subprocess.run(
                [sys.executable, "-m", "benchmarks.routes", "--reader", store.url],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            figures.append(msgspec.json.decode(told, type=tuple[float, int, float]))
    (_, least, _), (seconds, most, stretch) = figures
    per_router = (most - least) / (COUNTS[-1] - 1)
    click.echo(
        f"{COUNTS[-1]:,} routers: read and in force within {seconds:.2f} s; {per_router:,.0f} bytes each;"
        f" read again, with others waiting for {stretch * 1000:.1f} ms at most"
    )


def _reader(url: str) -> None:
    """What a worker does at its start, and when it reads all again; prints seconds, bytes, seconds.

    The bytes are those after the start; the last figure is how long another greenlet had no turn.
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
    turns: list[float] = []

    def take_turns() -> None:
        while True:
            turns.append(time.perf_counter())
            gevent.sleep(0.0005)

    other = gevent.spawn(take_turns)
    gevent.sleep(0.01)
    read()
    gevent.sleep(0.01)
    other.kill()
    longest = max(later - earlier for earlier, later in itertools.pairwise(turns))
    click.echo(msgspec.json.encode((seconds, memory, longest)).decode())


def changing() -> None:
    """Print what 20 changes a second to one of 10,000 services do to traffic, and how soon they are seen."""
    with _site() as (directory, origin), Store(directory) as store:
        named = {
            f"r{number}@file": Router(
                f"r{number}@file", v3.parse(f"Host(`h{number}.test`)"), f"s{number}@file", 10
            )
            for number in range(SERVICES)
        }
        services = {f"s{n}@file": service(origin.ports, f"s{n}@file") for n in range(SERVICES)}
        _publish(store, named, *services.values())
        with run_proxy(directory, store) as (_, port):
            _load(port, 1_000, directory, 2)
            quiet = _load(port, 1_000, directory, CHANGING_SECONDS)
            seen: list[float] = []
            stop = threading.Event()
            changer = threading.Thread(target=_change, args=(store, origin, port, seen, stop))
            changer.start()
            busy = _load(port, 1_000, directory, CHANGING_SECONDS)
            stop.set()
            changer.join()
    click.echo(
        f"{SERVICES:,} services, one changed {CHANGES_PER_SECOND} times a second:"
        f" p99 {quiet.p99 / 1000:.2f} ms before, {busy.p99 / 1000:.2f} ms meanwhile"
        f" ({busy.p99 / quiet.p99:.2f});"
        f" failed: {busy.errors};"
        f" seen within {percentile(seen, 50):.1f} ms (median), {percentile(seen, 95):.1f} ms (95 %)"
        f" of {len(seen)} changes"
    )


def _change(store: Store, origin: Origin, port: int, seen: list[float], stop: threading.Event) -> None:
    """Move the last service from server to server, and note in ms when the next answer comes from there.

    The store is told as an agent's script tells it. What an agent does before it does elsewhere; here it
    would be on the core that load and origin share.
    """
    name, host, keys = f"s{SERVICES - 1}@file", f"h{SERVICES - 1}.test", Keys()
    turn = 0
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    with connect(store.url) as client:
        stored = revision(client, keys) or 0
        while not stop.wait(1 / CHANGES_PER_SECOND):
            turn += 1
            server = turn % len(origin.ports)
            moved = service((origin.ports[server],), name)
            wanted = body(server, SCENARIOS["varied"].size)
            begun = time.perf_counter()
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(keys.services, name, msgspec.json.encode(moved))
            pipeline.set(keys.revision, stored + turn)
            change = Change(stored + turn, stored + turn - 1, services={name: moved})
            pipeline.publish(keys.changes, encode(change))
            pipeline.execute()
            while True:
                connection.request("GET", "/", headers={"Host": host})
                if connection.getresponse().read() == wanted:
                    break
            seen.append((time.perf_counter() - begun) * 1000)
    connection.close()


@click.command(
    help="CPU per request by the number of routers, loading, and changes; see docs/performance.md."
)
@click.option("--seconds", type=click.IntRange(1, 60), default=3, show_default=True, help="Counted load.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--reader", hidden=True)
def main(seconds: int, rounds: int, reader: str | None) -> None:
    """Run and print; errors end with one message and status 1."""
    if reader:
        _reader(reader)
        return
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        loading()
        changing()
        costs(seconds, rounds)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.routes")
