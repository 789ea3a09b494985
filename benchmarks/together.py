"""Loads all proxies at once on one core, and compares the CPU time of their requests.

Proxies that are measured one after the other meet different states of the machine: other work, clock
frequency, caches. Here all of them share one core and the same seconds, and the scheduler gives each its
part. The figures of a slice are compared only with each other; the median of their ratios is the result.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

import msgspec

from benchmarks.cpu import tree_nanoseconds
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.origin import run_origin
from benchmarks.peers import Peer
from benchmarks.processes import RunningProgram
from benchmarks.run import Plan, Progress, start_proxy
from benchmarks.scenarios import Scenario
from benchmarks.verify import verify
from tests.lab.certificate import write_certificate


class Slice(msgspec.Struct, frozen=True):
    """What one proxy did in one slice: CPU time per request in µs, and the requests."""

    cpu_us: float
    requests: int


class Comparison(msgspec.Struct, frozen=True):
    """One proxy: the medians of CPU time per request and of the ratio to the baseline, with its quartiles."""

    cpu_us: float
    ratio: float
    low: float
    high: float


def compare_together(
    peers: Sequence[Peer], scenario: Scenario, plan: Plan, progress: Progress
) -> dict[str, list[Slice]]:
    """Return the slices of each proxy, one for each round. Raises BenchmarkError."""
    slices: dict[str, list[Slice]] = {peer.name: [] for peer in peers}
    with _loads(peers, scenario, plan) as running, ThreadPoolExecutor(len(peers)) as pool:
        if plan.warmup:
            list(pool.map(lambda each: each[1].run(plan.warmup), running))
        for number in range(plan.rounds):
            before = [tree_nanoseconds(proxy.pid) for proxy, _ in running]
            reports = list(pool.map(lambda each: each[1].run(plan.seconds), running))
            for peer, (proxy, _), report, start in zip(peers, running, reports, before, strict=True):
                proxy.require_alive()
                if report.errors:
                    raise BenchmarkError(f"{report.errors} requests to {peer.name} failed")
                used = tree_nanoseconds(proxy.pid) - start
                slices[peer.name].append(Slice(used / 1000 / report.requests, report.requests))
            figures = "  ".join(f"{name} {found[-1].cpu_us:.1f}" for name, found in slices.items())
            progress(f"{scenario.name} slice {number + 1}/{plan.rounds}  {figures}")
    return slices


def summarise(slices: dict[str, list[Slice]], baseline: str) -> dict[str, Comparison]:
    """Compare the slices of each proxy with those of the baseline, or of the first proxy without one."""
    base = slices.get(baseline) or next(iter(slices.values()))
    found = {}
    for name, own in slices.items():
        ratios = [mine.cpu_us / other.cpu_us for mine, other in zip(own, base, strict=True)]
        low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        found[name] = Comparison(median(each.cpu_us for each in own), median(ratios), low, high)
    return found


def together_table(found: dict[str, Comparison], titles: dict[str, str]) -> str:
    """Return a Markdown table with a row for each proxy."""
    lines = ["| proxy | CPU µs/req | ratio | quartiles |", "| --- | ---: | ---: | ---: |"]
    for name, row in found.items():
        title, spread = titles.get(name, name), f"{row.low:.2f} to {row.high:.2f}"
        lines.append(f"| {title} | {row.cpu_us:.1f} | {row.ratio:.2f} | {spread} |")
    return "\n".join(lines)


@contextmanager
def _loads(
    peers: Sequence[Peer], scenario: Scenario, plan: Plan
) -> Iterator[list[tuple[RunningProgram, Load]]]:
    """Start all proxies in front of one origin, verify each, and yield them with their loads."""
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "origin").mkdir()
        origin = stack.enter_context(run_origin(directory / "origin", plan.load_core))
        certificate = write_certificate(directory / "own.pem") if scenario.tls else None
        running = []
        for peer in peers:
            proxy, port = stack.enter_context(
                start_proxy(peer, origin, directory, plan.proxy_core, scenario, certificate)
            )
            verify(port, len(origin.ports), scenario)
            running.append((proxy, Load(scenario, port, plan.connections, plan.load_core, directory)))
        yield running
