"""`python -m benchmarks.idle`: the CPU time and the wake-ups of each process while there are no requests.

All proxies idle at once, because other work on the machine makes each wake-up cost more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.command import Names, exit_cleanly_on_sigterm
from benchmarks.cpu import process_nanoseconds
from benchmarks.errors import BenchmarkError
from benchmarks.memory_use import SUPPORTED_PEERS, Proxy, start_proxy
from benchmarks.peers import PEERS, Peer
from benchmarks.peers.rondpoint import checkout_peer
from benchmarks.tree import PROC, short_command
from tests.lab.origin import http_response

SETTLE_SECONDS = 15.0
"""Seconds without requests before the measurement; some tasks run only at first."""


class Usage(NamedTuple):
    """The usage of a process since its start: CPU time in ns, and how often its threads began to wait."""

    nanoseconds: int
    waits: int


def parse_waits(status: str) -> int:
    """Return the voluntary context switches in a /proc/PID/task/TID/status; each ends with a wake-up."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "voluntary_ctxt_switches":
            return int(value)
    raise ValueError("no voluntary_ctxt_switches")


def usage(pid: int) -> Usage:
    """Return the usage of a process. Raises FileNotFoundError or ProcessLookupError without a process."""
    threads = (PROC / str(pid) / "task").iterdir()
    waits = sum(parse_waits((thread / "status").read_text()) for thread in threads)
    return Usage(process_nanoseconds(pid), waits)


def measure(proxies: Sequence[tuple[Peer, Proxy]], seconds: float) -> Iterator[str]:
    """Let all proxies idle for so many seconds; yield a line for each process and for their sums."""
    pids = {proxy.pid: proxy.pids() for _, proxy in proxies}
    before = {pid: usage(pid) for tree in pids.values() for pid in tree}
    begun = time.monotonic()
    time.sleep(seconds)
    after = {pid: usage(pid) for pid in before}
    elapsed = time.monotonic() - begun
    for peer, proxy in proxies:
        yield peer.version()
        total = 0.0
        for pid in pids[proxy.pid]:
            milliseconds = (after[pid].nanoseconds - before[pid].nanoseconds) / 1e6 / elapsed
            waits = (after[pid].waits - before[pid].waits) / elapsed
            total += milliseconds
            yield f"  {milliseconds:6.2f} ms/s  {waits:6.1f} wake-ups/s  {short_command(pid)}"
        yield f"  {total:6.2f} ms/s  all processes"


@click.command(help="Measure the CPU time and the wake-ups of each process while there are no requests.")
@click.option("--peers", type=Names(list(SUPPORTED_PEERS)), default="all", show_default=True)
@click.option("--seconds", type=click.IntRange(1, 3600), default=60, show_default=True)
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another checkout of Rondpoint, measured at the same time.",
)
def idle(*, peers: Sequence[str], seconds: int, base: Path | None) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    chosen = [PEERS[name] for name in peers]
    try:
        if base is not None:
            chosen.append(checkout_peer(base, PEERS["rondpoint"]))
        with ExitStack() as stack:
            body = http_response(b"here")
            proxies = [(peer, stack.enter_context(start_proxy(peer, body, 0))) for peer in chosen]
            time.sleep(SETTLE_SECONDS)
            for line in measure(proxies, seconds):
                click.echo(line)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    idle(prog_name="python -m benchmarks.idle")
