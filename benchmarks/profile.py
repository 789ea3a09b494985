"""`python -m benchmarks.profile`: profiles Rondpoint's worker under load with py-spy."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.command import exit_cleanly_on_sigterm, pin_to_load_core
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.origin import run_origin
from benchmarks.peers import PEERS
from benchmarks.processes import program
from benchmarks.run import start_proxy
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.tree import members
from benchmarks.verify import verify
from tests.lab.certificate import write_certificate

PROXY_CORE, LOAD_CORE = 0, 1
WARMUP_SECONDS = 2
# The additional seconds of load for py-spy to start and to write.
MARGIN_SECONDS = 4
SAMPLES_PER_SECOND = 500


@dataclass(frozen=True, slots=True)
class Function:
    """A function with its shares (0 to 1) of all samples: `own` without, `total` with its callees."""

    name: str
    own: float
    total: float


def summarize(stacks: Iterable[str]) -> list[Function]:
    """Return the functions in lines of `outermost;…;innermost COUNT`, sorted by their own time.

    Raises ValueError for a line in another format.
    """
    own, total = Counter[str](), Counter[str]()
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        frames, count = stack.split(";"), int(number)
        own[frames[-1]] += count
        # A recursive function is in the stack more than once, but its time counts once.
        for frame in set(frames):
            total[frame] += count
    samples = own.total()
    found = [Function(name, own[name] / samples, total[name] / samples) for name in total]
    return sorted(found, key=lambda function: (-function.own, -function.total, function.name))


def record(scenario: Scenario, seconds: int, connections: int) -> list[str]:
    """Return stacks of the busiest process of Rondpoint's tree under load. Raises BenchmarkError."""
    spy = program("py-spy", "pip install py-spy")
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with (
            run_origin(directory / "origin", LOAD_CORE) as origin,
            start_proxy(
                PEERS["rondpoint"],
                origin,
                directory,
                PROXY_CORE,
                scenario,
                write_certificate(directory / "own.pem") if scenario.tls else None,
            ) as (proxy, port),
            ThreadPoolExecutor(1) as pool,
        ):
            verify(port, len(origin.ports), scenario)
            load = Load(scenario, port, connections, LOAD_CORE, directory)
            before = {process.pid: process.own for process in members(proxy.pid)}
            load.run(WARMUP_SECONDS)
            worker = max(members(proxy.pid), key=lambda process: process.own - before.get(process.pid, 0))
            loading = pool.submit(load.run, seconds + MARGIN_SECONDS)
            stacks = directory / "stacks"
            target = ["--pid", str(worker.pid), "--duration", str(seconds), "--output", str(stacks)]
            options = ["--format", "raw", "--function", "--rate", str(SAMPLES_PER_SECOND)]
            finished = subprocess.run(
                [spy, "record", *target, *options], capture_output=True, text=True, check=False
            )
            loading.result()
            if finished.returncode != 0 or not stacks.exists():
                raise BenchmarkError(f"py-spy ended with {finished.returncode}: {finished.stderr}")
            return stacks.read_text().splitlines()


@click.command(help="Show in which functions Rondpoint's worker spends its time.")
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default="small", show_default=True)
@click.option("--seconds", type=click.IntRange(1, 600), default=10, show_default=True)
@click.option("--connections", type=click.IntRange(1, 1000), default=64, show_default=True)
@click.option("--top", type=click.IntRange(1, 1000), default=30, show_default=True)
def main(scenario: str, seconds: int, connections: int, top: int) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        found = summarize(record(SCENARIOS[scenario], seconds, connections))
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    click.echo("  own %  total %  function")
    for function in found[:top]:
        click.echo(f"{function.own * 100:7.1f}  {function.total * 100:7.1f}  {function.name}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.profile")
