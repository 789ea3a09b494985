"""`python -m benchmarks.memory_use`: memory at rest, for idle connections, slow streams, large bodies."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from benchmarks.command import Names, exit_cleanly_on_sigterm
from benchmarks.errors import BenchmarkError
from benchmarks.memory import Peak, process_bytes, tree_bytes
from benchmarks.origin import run_origin
from benchmarks.peers import PEERS, Peer, Site
from benchmarks.peers.peer import HOST
from benchmarks.processes import free_ports, running
from benchmarks.run import start_proxy as start_comparison_proxy
from benchmarks.scenarios import SCENARIOS
from benchmarks.tree import members, short_command
from tests.lab.bulk import count_upload, download, send_large_bodies, upload
from tests.lab.client_connections import ClientConnections
from tests.lab.http import request
from tests.lab.http2 import frames
from tests.lab.http2.client import head
from tests.lab.origin import Handler, Origin, http_response

# The configuration of the other proxies limits their connections.
SUPPORTED_PEERS = ("rondpoint", "traefik")
READY_SECONDS = 20.0
SETTLE_SECONDS = 1.0
SLOW = 20, 100
"""The connections of slow streams, and the streams of each."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy in front of one server."""

    pid: int
    port: int

    def pids(self) -> list[int]:
        return [process.pid for process in members(self.pid)]

    def pss(self) -> int:
        """Return the bytes of PSS of all its processes after it has settled."""
        time.sleep(SETTLE_SECONDS)
        return tree_bytes(self.pid)


@contextmanager
def start_proxy(peer: Peer, handler: Handler | bytes, connections: int) -> Iterator[Proxy]:
    """Start the proxy in front of an origin with this handler, and wait until it routes.

    Raises BenchmarkError.
    """
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name, Origin(handler) as origin:
        port, admin = free_ports(2)
        launch = peer.prepare(Site(Path(name), port, admin, (origin.port,)))
        # Only Rondpoint reads this variable; Traefik has no such limit.
        environment = {**launch.environment, "RONDPOINT_LIMITS_CONNECTIONS": str(connections + 1000)}
        with running(replace(launch, environment=environment), None, peer.name) as proxy:
            deadline = time.monotonic() + READY_SECONDS
            while not _is_routing(port):
                proxy.require_alive()
                if time.monotonic() > deadline:
                    raise BenchmarkError(f"{peer.name} does not route:\n{proxy.tail()}")
                time.sleep(0.05)
            yield Proxy(proxy.pid, port)


def _preface(*settings: tuple[int, int]) -> bytes:
    return frames.PREFACE + frames.settings(*settings)


def _gets(path: str, count: int) -> bytes:
    """Return the frames of this many requests, on the first streams of a connection."""
    block = head(path.encode(), authority=HOST.encode())
    return b"".join(frames.headers(2 * number + 1, block) for number in range(count))


def _count_heads(data: bytes) -> int:
    buffer, found = bytearray(data), 0
    while (frame := frames.take_frame(buffer)) is not None:
        found += frame.kind == frames.HEADERS
    return found


@contextmanager
def start_proxy_before_files(peer: Peer) -> Iterator[Proxy]:
    """Start the proxy in front of the comparison's origin, which serves many connections at once."""
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with (
            run_origin(directory / "origin", None) as origin,
            start_comparison_proxy(peer, origin, directory, None, SCENARIOS["1m"]) as (proxy, port),
        ):
            yield Proxy(proxy.pid, port)


def _is_routing(port: int) -> bool:
    try:
        # HEAD: the origin's body may be large.
        return request(port, HOST, method="HEAD").status < 300
    except (OSError, ValueError):
        return False


def at_rest(peer: Peer) -> Iterator[str]:
    """Yield lines with the PSS of each process after the start and one request."""
    with start_proxy(peer, http_response(b"here"), 0) as proxy:
        total = proxy.pss()
        for pid in proxy.pids():
            yield f"  {process_bytes(pid) / 1e6:7.1f} MB  {short_command(pid)}"
        yield f"  {total / 1e6:7.1f} MB  all processes (PSS)"


def idle(peer: Peer, count: int) -> Iterator[str]:
    """Yield a line with the PSS of each idle keep-alive connection after one request."""
    with start_proxy(peer, http_response(b"here"), count) as proxy:
        before = proxy.pss()
        with ClientConnections(proxy.port, count) as clients:
            clients.exchange(
                f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(),
                lambda response: response.endswith(b"here"),
            )
            per_connection = (proxy.pss() - before) / count
        yield f"  {per_connection / 1024:7.1f} KB  for each of {count:,} idle keep-alive connections (PSS)"


def idle_http2(peer: Peer, count: int) -> Iterator[str]:
    """Yield a line with the PSS of each idle connection of HTTP/2 after one request."""
    with start_proxy(peer, http_response(b"here"), count) as proxy:
        before = proxy.pss()
        with ClientConnections(proxy.port, count) as clients:
            clients.exchange(_preface() + _gets("/", 1), lambda response: b"here" in response)
            per_connection = (proxy.pss() - before) / count
        yield f"  {per_connection / 1024:7.1f} KB  for each of {count:,} idle connections of HTTP/2 (PSS)"


def slow_streams(peer: Peer) -> Iterator[str]:
    """Yield a line with the PSS of each stream whose client gives no window for 1 MiB of content."""
    connections, streams = SLOW
    with start_proxy_before_files(peer) as proxy:
        before = proxy.pss()
        with ClientConnections(proxy.port, connections) as clients:
            # Without a window, nothing but heads comes.
            clients.exchange(
                _preface((frames.INITIAL_WINDOW_SIZE, 0)) + _gets("/1m", streams),
                lambda response: _count_heads(response) >= streams,
            )
            per_stream = (proxy.pss() - before) / connections / streams
        yield (
            f"  {per_stream / 1024:7.1f} KB  for each of {connections * streams:,} streams of HTTP/2"
            " that their clients do not read (PSS)"
        )


def bodies(peer: Peer, size: int) -> Iterator[str]:
    """Yield lines with the peak growth of resident memory during a large download and upload."""
    with start_proxy(peer, send_large_bodies(size), 0) as proxy:
        yield _measure_growth(proxy, "download", size, lambda: download(proxy.port, HOST))
    with start_proxy(peer, count_upload, 0) as proxy:
        yield _measure_growth(proxy, "upload", size, lambda: upload(proxy.port, HOST, size))


def _measure_growth(proxy: Proxy, name: str, size: int, transfer: Callable[[], int]) -> str:
    peaks = [Peak(pid) for pid in proxy.pids()]
    if (transferred := transfer()) != size:
        raise BenchmarkError(f"the {name} of {size:,} bytes ended after {transferred:,}")
    rise = sum(peak.rise() for peak in peaks)
    return f"  {rise / 1e6:7.1f} MB  peak growth during a {name} of {size / 1e9:g} GB (RSS)"


@click.command(help="Measure memory: at rest, for idle connections, for slow streams, for large bodies.")
@click.option("--peers", type=Names(list(SUPPORTED_PEERS)), default="rondpoint", show_default=True)
@click.option("--idle", "count", type=click.IntRange(1, 15_000), default=10_000, show_default=True)
@click.option("--gigabytes", type=click.FloatRange(0.001, 100), default=1.0, show_default=True)
def memory_use(*, peers: Sequence[str], count: int, gigabytes: float) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    try:
        for peer in (PEERS[name] for name in peers):
            click.echo(peer.version())
            for lines in (
                at_rest(peer),
                idle(peer, count),
                idle_http2(peer, count),
                slow_streams(peer),
                bodies(peer, round(gigabytes * 1e9)),
            ):
                for line in lines:
                    click.echo(line)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    except (AssertionError, OSError) as client_error:
        raise click.ClickException(f"a client failed: {client_error}") from client_error


if __name__ == "__main__":
    memory_use(prog_name="python -m benchmarks.memory_use")
