"""Runs the comparison: in each round, every proxy is started, measured and stopped."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import tree_seconds
from benchmarks.load import Load
from benchmarks.memory import tree_bytes
from benchmarks.origin import Origin, run_origin
from benchmarks.peers import Peer, Site
from benchmarks.processes import RunningProgram, free_ports, running
from benchmarks.sample import Sample
from benchmarks.scenarios import Scenario
from benchmarks.verify import verify, wait_until_ready
from tests.lab.certificate import write_certificate


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters: `warmup` seconds of load that is not counted, then `seconds` of counted load."""

    seconds: int
    warmup: int
    connections: int
    rounds: int
    proxy_core: int
    load_core: int


Progress = Callable[[str], None]


def compare(
    peers: Sequence[Peer], scenario: Scenario, plan: Plan, progress: Progress
) -> dict[str, list[Sample]]:
    """Return the samples of each peer by name, one for each round.

    Rounds are interleaved, so a slow phase of the machine affects all peers. Raises BenchmarkError if a proxy
    cannot be measured.
    """
    samples: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with run_origin(directory / "origin", plan.load_core) as origin:
            for number in range(plan.rounds):
                for peer in peers:
                    certificate = write_certificate(directory / "own.pem") if scenario.tls else None
                    with start_proxy(peer, origin, directory, plan.proxy_core, scenario, certificate) as (
                        proxy,
                        port,
                    ):
                        verify(port, len(origin.ports), scenario)
                        load = Load(scenario, port, plan.connections, plan.load_core, directory)
                        sample = _measure(proxy, load, plan)
                    samples[peer.name].append(sample)
                    progress(
                        f"{scenario.name} round {number + 1}/{plan.rounds}  {peer.name:12}"
                        f" {sample.cpu_us:9.1f} µs/request  {sample.per_second:9.0f} requests/s"
                    )
    return samples


@contextmanager
def start_proxy(
    peer: Peer,
    origin: Origin,
    directory: Path,
    core: int | None,
    scenario: Scenario,
    certificate: Path | None = None,
) -> Iterator[tuple[RunningProgram, int]]:
    """Start the proxy in front of `origin` in a new directory, wait until it is ready, and yield its port.

    With a certificate, the port is the one with TLS; for clients of HTTP/2 in clear text, the one for that.
    """
    with tempfile.TemporaryDirectory(dir=directory, prefix=peer.name) as own:
        port, admin_port, tls_port, h2c_port = free_ports(4)
        site = Site(
            Path(own),
            port,
            admin_port,
            origin.h2c_ports if scenario.grpc else origin.ports,
            tls_port,
            certificate,
            scenario.feature,
            h2c_port if scenario.streams and not certificate else 0,
            scenario.grpc,
            scenario.tcp,
        )
        with running(peer.prepare(site), core, peer.name) as proxy:
            wait_until_ready(proxy, port, scenario)
            with peer.during(site):
                yield proxy, tls_port if certificate else site.h2c_port or port


def _measure(proxy: RunningProgram, load: Load, plan: Plan) -> Sample:
    if plan.warmup > 0:
        load.run(plan.warmup)
    cpu_before, clock_before = tree_seconds(proxy.pid), time.monotonic()
    report = load.run(plan.seconds)
    cpu, clock = tree_seconds(proxy.pid) - cpu_before, time.monotonic() - clock_before
    memory = tree_bytes(proxy.pid)
    proxy.require_alive()
    return Sample(
        cpu_us=cpu * 1e6 / report.requests,
        per_second=report.per_second,
        p50_ms=report.p50 / 1000,
        p90_ms=report.p90 / 1000,
        p99_ms=report.p99 / 1000,
        pss_bytes=memory,
        busy=cpu / clock,
        requests=report.requests,
        errors=report.errors,
    )
