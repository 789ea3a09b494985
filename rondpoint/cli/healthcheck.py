"""`rondpoint healthcheck`: whether a Rondpoint works, for the health checks of containers."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import redis
import requests

from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_ON, load_or_exit, settings_flags
from rondpoint.cli.startup_summary import url
from rondpoint.settings import Settings
from rondpoint.store.agents import read_agents
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys

SECONDS = 3.0
"""How long anything that is asked may take."""

SILENCE = 5.0
"""Seconds after its last sign of life at which an agent counts as gone; it gives one every second."""


@click.command(cls=SettingsCommand, context_settings=PASS_ON)
@click.option(
    "--process",
    type=click.IntRange(1),
    metavar="PID",
    help="Take command and flags from this process: 1, in a container.",
)
@settings_flags
def healthcheck(process: int | None, flags: tuple[str, ...]) -> None:
    """Ask a running Rondpoint whether it works; ends with 0 if it does, with 1 and a reason if not.

    A proxy is asked for /ping on its admin entry point; an agent must have given a sign of life to the store.
    """
    command, given = ("up", ()) if process is None else _started_with(process)
    settings = load_or_exit((*given, *flags)).settings
    fault = _agent(settings) if command == "agent" else _proxy(settings)
    if fault:
        click.echo(f"unhealthy: {fault}", err=True)
        sys.exit(1)
    click.echo("healthy")


def _started_with(process: int) -> tuple[str, tuple[str, ...]]:
    """The command that a process was started with, and its flags."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError as error:
        raise click.UsageError(f"process {process} cannot be looked at: {error.strerror}") from error
    return read_command(words)


def read_command(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The command and its flags out of a command line, whatever the interpreter before them."""
    program = next((place for place, word in enumerate(words) if Path(word).name == "rondpoint"), None)
    rest = () if program is None else tuple(words[program + 1 :])
    if rest and not rest[0].startswith("-"):
        return rest[0], rest[1:]
    return "up", rest


def _proxy(settings: Settings) -> str:
    address = f"{url(settings.admin)}/ping"
    try:
        status = requests.get(address, timeout=SECONDS).status_code
    except requests.RequestException as error:
        return f"nothing answers at {address} ({type(error).__name__})"
    return "" if status == requests.codes.ok else f"{address} answers {status}"


def _agent(settings: Settings) -> str:
    if settings.redis.url is None:
        return "redis.url is not set"
    try:
        with connect(
            settings.redis.url,
            namespace=settings.redis.namespace,
            socket_connect_timeout=SECONDS,
            socket_timeout=SECONDS,
        ) as client:
            agents = read_agents(client, Keys(settings.redis.namespace))
    except (redis.RedisError, ValueError) as error:
        return f"the store does not answer: {error}"
    host, now = socket.gethostname(), time.time()
    seen = max((agent.seen_at for agent in agents.values() if agent.host == host), default=None)
    if seen is None:
        return f"no agent of host {host} is known to the store"
    return f"the agent's last sign of life is {now - seen:.0f} s old" if now - seen > SILENCE else ""
