"""`python -m benchmarks.udp`: the cost of a datagram, in sessions that last and in sessions of one question.

Proxies run on one core, each alone while it is loaded; clients and servers share the other core. Two servers
send each datagram back. `flow`: 64 clients, each of which sends the next datagram once it has the reply to
the last one. `new`: each datagram comes from a new port, as with DNS, so it begins a session.
"""

from __future__ import annotations

import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import yaml

from benchmarks.command import exit_cleanly_on_sigterm
from benchmarks.cpu import tree_nanoseconds
from benchmarks.errors import BenchmarkError
from benchmarks.nginx import nginx_main, nginx_program
from benchmarks.peers.rondpoint import rondpoint_program
from benchmarks.peers.traefik import ENVIRONMENT, quiet_flags, traefik_program
from benchmarks.processes import Launch, RunningProgram, free_ports, on_core, running
from rondpoint.configuration import Configuration
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService
from tests.lab.store import Store

PROXY_CORE, LOAD_CORE = 0, 1
CLIENTS = 64
DATAGRAM = b"x" * 64
SERVERS = 2
READY_SECONDS = 30.0
LOST_SECONDS = 1.0
TIMEOUT = "100ms"
"""After which sessions end in all proxies, so that those of `new` never are too many for one of them."""

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

Start = Callable[[Path, list[int], int, ExitStack], list[RunningProgram]]


def _rondpoint(directory: Path, servers: list[int], port: int, stack: ExitStack) -> list[RunningProgram]:
    store = stack.enter_context(Store(directory))
    routes = Configuration(
        udp_routers={"bench": UdpRouter("bench", "bench")},
        udp_services={
            "bench": UdpService("bench", tuple(UdpServer(f"s{at}", "127.0.0.1", at) for at in servers))
        },
    )
    client = connect(store.url)
    Publisher(client, Keys()).publish(routes)
    client.close()
    web, admin = free_ports(2)
    command = [
        rondpoint_program(),
        "proxy",
        "--workers=1",
        f"--redis.url={store.url}",
        "--log.level=ERROR",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        f"--entryPoints.udp.address=127.0.0.1:{port}/udp",
        f"--entryPoints.udp.udp.timeout={TIMEOUT}",
    ]
    return [stack.enter_context(running(Launch(command, directory), PROXY_CORE, "rondpoint"))]


def _traefik(directory: Path, servers: list[int], port: int, stack: ExitStack) -> list[RunningProgram]:
    balancer = {"loadBalancer": {"servers": [{"address": f"127.0.0.1:{at}"} for at in servers]}}
    router = {"service": "bench", "entryPoints": ["udp"]}
    file = directory / "routes.yml"
    file.write_text(yaml.safe_dump({"udp": {"routers": {"bench": router}, "services": {"bench": balancer}}}))
    command = [
        traefik_program(),
        *quiet_flags(),
        f"--entryPoints.udp.address=127.0.0.1:{port}/udp",
        f"--entryPoints.udp.udp.timeout={TIMEOUT}",
        f"--providers.file.filename={file}",
    ]
    return [stack.enter_context(running(Launch(command, directory, ENVIRONMENT), PROXY_CORE, "traefik"))]


def _nginx(directory: Path, servers: list[int], port: int, stack: ExitStack) -> list[RunningProgram]:
    if not STREAM_MODULE.exists():
        raise BenchmarkError(f"{STREAM_MODULE} is missing: Debian package libnginx-mod-stream")
    upstream = " ".join(f"server 127.0.0.1:{at};" for at in servers)
    main = nginx_main(directory, 1).replace("worker_connections 4096", "worker_connections 16384")
    (directory / "nginx.conf").write_text(
        f"load_module {STREAM_MODULE};\n{main}\n"
        f"stream {{ upstream bench {{ {upstream} }}\n"
        f"server {{ listen 127.0.0.1:{port} udp; proxy_pass bench; proxy_timeout {TIMEOUT}; }} }}\n"
    )
    command = [nginx_program(), "-c", str(directory / "nginx.conf"), "-p", str(directory)]
    return [stack.enter_context(running(Launch(command, directory), PROXY_CORE, "nginx"))]


PROXIES: dict[str, Start] = {"rondpoint": _rondpoint, "traefik": _traefik, "nginx": _nginx}


def echo() -> None:
    """Send every datagram back, on SERVERS ports; print the ports first."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    for _ in range(SERVERS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sockets[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
    print(*(sock.getsockname()[1] for sock in sockets.values()), flush=True)
    while True:
        for descriptor, _ in poll.poll():
            sock = sockets[descriptor]
            try:
                while True:
                    datagram, client = sock.recvfrom(2048)
                    sock.sendto(datagram, client)
            except BlockingIOError:
                continue


def load(port: int, seconds: float, kind: str) -> tuple[int, int]:
    """Return the numbers of answered and of lost datagrams."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    sent: dict[int, float] = {}

    def begin() -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        sockets[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
        ask(sock)

    def ask(sock: socket.socket) -> None:
        sent[sock.fileno()] = time.monotonic()
        sock.send(DATAGRAM)

    for _ in range(CLIENTS):
        begin()
    answered = lost = 0
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for descriptor, _ in poll.poll(0.1):
            sock = sockets[descriptor]
            sock.recv(2048)
            answered += 1
            if kind == "flow":
                ask(sock)
            else:
                del sockets[descriptor]
                sock.close()
                begin()
        for descriptor in [at for at in sockets if sent[at] < now - LOST_SECONDS]:
            lost += 1
            ask(sockets[descriptor])
    return answered, lost


@contextmanager
def _servers() -> Iterator[list[int]]:
    command = on_core(LOAD_CORE, [sys.executable, "-m", "benchmarks.udp", "echo"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield list(map(int, process.stdout.readline().split()))
        finally:
            process.kill()


def _wait(port: int, programs: list[RunningProgram]) -> None:
    end = time.monotonic() + READY_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect(("127.0.0.1", port))
        while time.monotonic() < end:
            try:
                client.send(DATAGRAM)
                if client.recv(2048) == DATAGRAM:
                    return
            except OSError:
                for program in programs:
                    program.require_alive()
    raise BenchmarkError("no reply")


def _loaded(port: int, seconds: float, kind: str) -> tuple[int, int]:
    command = on_core(
        LOAD_CORE, [sys.executable, "-m", "benchmarks.udp", "load", str(port), str(seconds), kind]
    )
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answered, lost = map(int, output.split())
    return answered, lost


@click.group(invoke_without_command=True)
@click.option("--seconds", default=4.0, help="Of each measurement.")
@click.option("--rounds", default=5, help="Measurements of each proxy; the median counts.")
@click.pass_context
def main(context: click.Context, seconds: float, rounds: int) -> None:
    """Measure all proxies."""
    if context.invoked_subcommand is None:
        exit_cleanly_on_sigterm()
        measure(seconds, rounds)


@main.command("echo")
def _echo() -> None:
    echo()


@main.command("load")
@click.argument("port", type=int)
@click.argument("seconds", type=float)
@click.argument("kind", type=click.Choice(["flow", "new"]))
def _load(port: int, seconds: float, kind: str) -> None:
    click.echo("{} {}".format(*load(port, seconds, kind)))


def measure(seconds: float, rounds: int) -> None:
    """Print CPU time, rate and losses by proxy."""
    click.echo(
        f"{os.cpu_count()} cores; medians of {rounds}; a datagram there and its reply back count as one"
    )
    with ExitStack() as stack:
        servers = stack.enter_context(_servers())
        ports: dict[str, int] = {}
        programs: dict[str, list[RunningProgram]] = {}
        for name, start in PROXIES.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-udp-")))
            (ports[name],) = free_ports(1)
            programs[name] = start(directory, servers, ports[name], stack)
            _wait(ports[name], programs[name])
        for kind in ("flow", "new"):
            found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in PROXIES}
            for _ in range(rounds):
                for name, results in found.items():
                    before = sum(tree_nanoseconds(program.pid) for program in programs[name])
                    answered, lost = _loaded(ports[name], seconds, kind)
                    spent = sum(tree_nanoseconds(program.pid) for program in programs[name]) - before
                    results.append((spent / 1000 / answered, answered / seconds, lost))
            for name, results in found.items():
                cost, rate, _ = map(statistics.median, zip(*results, strict=True))
                losses = sum(lost for _, _, lost in results)
                click.echo(f"{kind:>5} {name:>10} {cost:7.1f} µs {rate:9.0f} a second, {losses} lost")


if __name__ == "__main__":
    main()
