"""`python -m benchmarks.websocket`: the CPU time of a proxy for a WebSocket message."""

from __future__ import annotations

import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from benchmarks.command import Names, exit_cleanly_on_sigterm, pin_to_load_core
from benchmarks.cpu import tree_seconds
from benchmarks.errors import BenchmarkError
from benchmarks.peers import BASELINE, PEERS, Peer, Site
from benchmarks.peers.peer import HOST
from benchmarks.processes import RunningProgram, free_ports, running
from tests.lab.echo import EchoServer

PROXY_CORE, LOAD_CORE = 0, 1
WARMUP_SECONDS = 1.0
READY_SECONDS = 30.0
_UPGRADE = (
    f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
).encode()
_DEFAULT = "rondpoint,traefik,nginx,haproxy"
_TEXT = b"x" * 32
# RFC 6455 §5.2: a final text frame, masked with zeros.
_FRAME = bytes((0x81, 0x80 | len(_TEXT), 0, 0, 0, 0)) + _TEXT
_ECHO = bytes((0x81, len(_TEXT))) + _TEXT


def open_sockets(port: int, count: int) -> list[socket.socket]:
    """Open `count` WebSockets through the proxy. Raises BenchmarkError if one is refused."""
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(_UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (piece := connection.recv(4096)):
                break
            head += piece
        if not head.startswith(b"HTTP/1.1 101 "):
            raise BenchmarkError(f"no WebSocket: {head[:200]!r}")
        opened.append(connection)
    return opened


def exchange(connections: Sequence[socket.socket], seconds: float) -> int:
    """Send a message on each connection, and again after each echo; return the number of echoes.

    Raises BenchmarkError.
    """
    echoes = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, connection)
            connection.sendall(_FRAME)
        waiting = len(connections)
        end = time.monotonic() + seconds
        while waiting:
            found = selector.select(5)
            if not found:
                raise BenchmarkError("no echo within 5 s")
            continues = time.monotonic() < end
            for key, _ in found:
                connection = key.data
                if connection.recv(4096) != _ECHO:
                    raise BenchmarkError("an echo differs from its message")
                echoes += 1
                if continues:
                    connection.sendall(_FRAME)
                else:
                    waiting -= 1
    return echoes


def measure(proxy: RunningProgram, port: int, connections: int, seconds: float) -> tuple[float, float]:
    """Return the proxy's CPU µs for an echo (two messages), and the echoes a second."""
    with ExitStack() as stack:
        opened = [stack.enter_context(each) for each in open_sockets(port, connections)]
        exchange(opened, WARMUP_SECONDS)
        before, begun = tree_seconds(proxy.pid), time.monotonic()
        echoes = exchange(opened, seconds)
        cpu, clock = tree_seconds(proxy.pid) - before, time.monotonic() - begun
    return cpu * 1e6 / echoes, echoes / clock


@contextmanager
def _start_proxy(peer: Peer, server: int) -> Iterator[tuple[RunningProgram, int]]:
    """Start the proxy, wait until a WebSocket opens through it, and yield its port. Raises BenchmarkError."""
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name:
        port, admin_port = free_ports(2)
        launch = peer.prepare(Site(Path(name), port, admin_port, (server,)))
        with running(launch, PROXY_CORE, peer.name) as proxy:
            end = time.monotonic() + READY_SECONDS
            while True:
                try:
                    open_sockets(port, 1)[0].close()
                    break
                except (OSError, BenchmarkError):
                    proxy.require_alive()
                    if time.monotonic() > end:
                        raise
                time.sleep(0.02)
            yield proxy, port


def _rounds(peers: Sequence[Peer], rounds: int, seconds: int, connections: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    with EchoServer() as echo:
        for number in range(rounds):
            for peer in peers:
                with _start_proxy(peer, echo.port) as (proxy, port):
                    cost, rate = measure(proxy, port, connections, seconds)
                found[peer.name].append(cost)
                click.echo(
                    f"round {number + 1}/{rounds}  {peer.name:12} {cost:7.1f} µs/echo {rate:9.0f} echoes/s",
                    err=True,
                )
    return found


@click.command(help="Echo short messages through every proxy; see docs/performance.md.")
@click.option("--peers", type=Names(list(PEERS)), default=_DEFAULT, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 600), default=3, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--connections", type=click.IntRange(1, 1000), default=64, show_default=True)
def main(*, peers: list[str], seconds: int, rounds: int, connections: int) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        costs = _rounds([PEERS[name] for name in peers], rounds, seconds, connections)
    except (BenchmarkError, OSError) as error:
        raise click.ClickException(str(error)) from error
    medians = {name: statistics.median(found) for name, found in costs.items()}
    baseline = medians.get(BASELINE, min(medians.values()))
    click.echo(f"{connections} WebSockets, {len(_TEXT)} bytes; CPU µs for an echo (two messages)\n")
    for name, cost in medians.items():
        click.echo(f"{PEERS[name].version():30} {cost:7.1f} ({cost / baseline:.2f})")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.websocket")
