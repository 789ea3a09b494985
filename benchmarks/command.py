"""The command line of the comparison."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

import click
import msgspec

from benchmarks.errors import BenchmarkError
from benchmarks.machine import busy_share, describe
from benchmarks.peers import BASELINE, PEERS, Peer, taking_part_in
from benchmarks.peers.rondpoint import checkout_peer
from benchmarks.report import Result, medians, table, to_json
from benchmarks.run import Plan, compare
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.together import compare_together, summarise, together_table

# How long other programs are watched before the first round, and the share that they may use.
WATCH_SECONDS = 1.0
QUIET = 0.05

BASES = [name.replace("rondpoint", "base") for name in PEERS if name.startswith("rondpoint")]
"""The proxies of another checkout, by the names of our own."""


class Names(click.ParamType[list[str]]):
    """A parameter type: names of a known set, separated by commas, or `all`."""

    name = "names"

    def __init__(self, known: list[str]) -> None:
        self.known = known

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = self.known if value == "all" else [name.strip() for name in value.split(",")]
        for name in names:
            if name not in self.known:
                self.fail(f"{name!r} is not one of {', '.join(self.known)}", param, ctx)
        return list(dict.fromkeys(names))


def exit_cleanly_on_sigterm() -> None:
    """Make SIGTERM unwind the stack as an interrupt does, so every started process is ended."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(143)

    signal.signal(signal.SIGTERM, leave)


def pin_to_load_core(load_core: int, proxy_core: int) -> None:
    """Pin this process to the load's core. Raises BenchmarkError if the two cores are not available."""
    cores = os.sched_getaffinity(0)
    if load_core == proxy_core or not {load_core, proxy_core} <= cores:
        raise BenchmarkError(f"cores {proxy_core} and {load_core} must be two of {sorted(cores)}")
    os.sched_setaffinity(0, {load_core})


@click.command(help="Compare proxies on the same configuration and origin; see docs/performance.md.")
@click.option("--peers", type=Names(list(PEERS)), default="all", show_default=True, help=", ".join(PEERS))
@click.option(
    "--scenario", "scenarios", type=Names(list(SCENARIOS)), default="small", show_default=True,
    help=", ".join(SCENARIOS),
)  # fmt: skip
@click.option("--seconds", type=click.IntRange(1, 600), default=5, show_default=True, help="Measured load.")
@click.option("--warmup", type=click.IntRange(0, 60), default=2, show_default=True, help="Load before it.")
@click.option("--connections", type=click.IntRange(1, 1000), default=64, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="For medians.")
@click.option("--proxy-core", type=int, default=0, show_default=True)
@click.option("--load-core", type=int, default=1, show_default=True, help="For wrk and the origin.")
@click.option(
    "--baseline", type=click.Choice([*PEERS, *BASES]), default=BASELINE, show_default=True, help="For ratios."
)
@click.option("--together", is_flag=True, help="Load all at once on one core, and compare CPU time alone.")
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another checkout of Rondpoint: a proxy `base…` beside each `rondpoint…`.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures."
)
def comparison(
    *,
    peers: list[str],
    scenarios: list[str],
    seconds: int,
    warmup: int,
    connections: int,
    rounds: int,
    proxy_core: int,
    load_core: int,
    baseline: str,
    together: bool,
    base: Path | None,
    json_file: Path | None,
) -> None:
    """Run the benchmark and print the result; an error is one message and exit status 1."""
    exit_cleanly_on_sigterm()
    plan = Plan(seconds, warmup, connections, rounds, proxy_core, load_core)
    try:
        pin_to_load_core(load_core, proxy_core)
        chosen = [PEERS[name] for name in peers]
        if base is not None:
            chosen += [checkout_peer(base, peer) for peer in chosen if peer.name.startswith("rondpoint")]
        if together:
            _run_together(chosen, [SCENARIOS[name] for name in scenarios], plan, baseline, json_file)
            return
        result = _run(chosen, [SCENARIOS[name] for name in scenarios], plan, baseline)
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_bytes(to_json(result))
    if any(sample.errors for by_peer in result.medians.values() for sample in by_peer.values()):
        raise click.ClickException("some requests failed: the figures above are not comparable")


def _run(peers: list[Peer], scenarios: list[Scenario], plan: Plan, baseline: str) -> Result:
    machine, versions = describe(), {peer.name: peer.version() for peer in peers}
    rounds, medians_by_scenario = {}, {}
    click.echo(f"{machine.cores} cores, {machine.processor}, {machine.system}, Linux {machine.kernel}")
    if (busy := busy_share(WATCH_SECONDS)) > QUIET:
        click.echo(f"other programs use {busy:.0%} of this machine: expect fewer requests/s", err=True)
    for scenario in scenarios:
        taking_part = taking_part_in(scenario, peers)
        rounds[scenario.name] = compare(taking_part, scenario, plan, partial(click.echo, err=True))
        medians_by_scenario[scenario.name] = medians(rounds[scenario.name])
        connections = scenario.connections or plan.connections
        of_streams = (
            f" of {scenario.streams} stream{'s' * (scenario.streams > 1)}" if scenario.streams else ""
        )
        click.echo(
            f"\n{scenario.name}: {scenario.size:,} bytes, {connections} connection{'s' * (connections > 1)}"
            f"{of_streams}"
            f"{f', {scenario.upload:,} bytes posted' if scenario.upload else ''}"
            f"{', a new one for each request' if scenario.new_connections else ''};"
            f" median of {plan.rounds} rounds of {plan.seconds:.0f} s;"
            f" in parentheses the ratio to {versions.get(baseline, baseline)}\n"
        )
        click.echo(table(medians_by_scenario[scenario.name], versions, baseline))
    options = {
        "seconds": plan.seconds,
        "warmup": plan.warmup,
        "connections": plan.connections,
        "rounds": plan.rounds,
    }
    return Result(machine, versions, options, rounds, medians_by_scenario)


def _run_together(
    peers: list[Peer], scenarios: list[Scenario], plan: Plan, baseline: str, json_file: Path | None
) -> None:
    titles = {peer.name: peer.version() for peer in peers}
    found = {}
    for scenario in scenarios:
        taking_part = taking_part_in(scenario, peers)
        found[scenario.name] = compare_together(taking_part, scenario, plan, partial(click.echo, err=True))
        click.echo(f"\n{scenario.name}: all at once, {plan.rounds} slices of {plan.seconds:.0f} s\n")
        click.echo(together_table(summarise(found[scenario.name], baseline), titles))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def main() -> None:
    """Run `python -m benchmarks`."""
    comparison(prog_name="python -m benchmarks")
