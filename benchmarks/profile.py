"""`python -m benchmarks.profile`: where Rondpoint's worker spends its time under load, by py-spy."""

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

PROXY_CORE, LOAD_CORE = 0, 1
WARMUP_SECONDS = 2
# Beyond the profile's own time, for py-spy to begin and to write.
MARGIN_SECONDS = 4
SAMPLES_PER_SECOND = 500


@dataclass(frozen=True, slots=True)
class Function:
    """Shares (0 to 1) of all samples: in the function itself, and in it or anything that it called."""

    name: str
    own: float
    total: float


def functions(stacks: Iterable[str]) -> list[Function]:
    """From lines of `outermost;…;innermost COUNT`, those with most time of their own first.

    Raises ValueError for a line of another form.
    """
    own, total = Counter[str](), Counter[str]()
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        frames, count = stack.split(";"), int(number)
        own[frames[-1]] += count
        # A function that calls itself is in the stack more than once, but its time passes once.
        for frame in set(frames):
            total[frame] += count
    samples = own.total()
    found = [Function(name, own[name] / samples, total[name] / samples) for name in total]
    return sorted(found, key=lambda function: (-function.own, -function.total, function.name))


def record(scenario: Scenario, seconds: int, connections: int) -> list[str]:
    """Stacks of the busiest process of Rondpoint's tree under load; raises BenchmarkError."""
    spy = program("py-spy", "pip install py-spy")
    with tempfile.TemporaryDirectory(prefix="rondpoint-bench-") as name:
        directory = Path(name)
        (directory / "origin").mkdir()
        with (
            run_origin(directory / "origin", LOAD_CORE) as origin,
            start_proxy(PEERS["rondpoint"], origin, directory, PROXY_CORE) as (proxy, port),
            ThreadPoolExecutor(1) as pool,
        ):
            verify(port, len(origin.ports), scenario)
            load = Load(scenario, port, connections, LOAD_CORE, directory)
            load.run(WARMUP_SECONDS)
            worker = max(members(proxy.pid), key=lambda process: process.own)
            loading = pool.submit(load.run, seconds + MARGIN_SECONDS)
            stacks = directory / "stacks"
            target = ["--pid", str(worker.pid), "--duration", str(seconds), "--output", str(stacks)]
            form = ["--format", "raw", "--function", "--rate", str(SAMPLES_PER_SECOND)]
            finished = subprocess.run(
                [spy, "record", *target, *form], capture_output=True, text=True, check=False
            )
            loading.result()
            if finished.returncode != 0 or not stacks.exists():
                raise BenchmarkError(f"py-spy ended with {finished.returncode}: {finished.stderr}")
            return stacks.read_text().splitlines()


@click.command(help="Show the functions that Rondpoint's worker spends its time in.")
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default="small", show_default=True)
@click.option("--seconds", type=click.IntRange(1, 600), default=10, show_default=True)
@click.option("--connections", type=click.IntRange(1, 1000), default=64, show_default=True)
@click.option("--top", type=click.IntRange(1, 1000), default=30, show_default=True)
def main(scenario: str, seconds: int, connections: int, top: int) -> None:
    """Run and print; errors end with one message and status 1."""
    exit_cleanly_on_sigterm()
    try:
        pin_to_load_core(LOAD_CORE, PROXY_CORE)
        found = functions(record(SCENARIOS[scenario], seconds, connections))
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    click.echo("  own %  total %  function")
    for function in found[:top]:
        click.echo(f"{function.own * 100:7.1f}  {function.total * 100:7.1f}  {function.name}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.profile")
