"""`rondpoint healthcheck`: checks whether a Rondpoint works, for the health checks of containers."""

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
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.flags import load_or_exit
from rondpoint.cli.local_requests import get
from rondpoint.cli.startup_summary import local_url
from rondpoint.settings import Settings
from rondpoint.store.agents import read_agents
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys

TIMEOUT_SECONDS = 3.0
"""Time limit for a response of the proxy or the store."""

MAX_HEARTBEAT_AGE = 5.0
"""Seconds after its last heartbeat at which an agent counts as dead; it writes one every second."""


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@click.option(
    "--process",
    type=click.IntRange(1),
    metavar="PID",
    help="Read the command and its flags from this process: 1 in a container.",
)
@settings_flags
def healthcheck(process: int | None, flags: tuple[str, ...]) -> None:
    """Check whether a running Rondpoint works.

    The exit code is 0 if it works; 1, with the reason, if not.

    A proxy must respond to /ping on its admin entry point. An agent must have written a recent heartbeat
    to the store.
    """
    command, process_flags = ("up", ()) if process is None else _read_process(process)
    settings = load_or_exit((*process_flags, *flags)).settings
    fault = _check_agent(settings) if command == "agent" else _check_proxy(settings)
    if fault:
        click.echo(f"unhealthy: {fault}", err=True)
        sys.exit(1)
    click.echo("healthy")


def _read_process(process: int) -> tuple[str, tuple[str, ...]]:
    """Return the command that a process was started with, and its flags."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError as error:
        raise click.UsageError(
            f"cannot read the command line of process {process}: {error.strerror}"
        ) from error
    return read_command(words)


def read_command(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the command and its flags from a command line; an interpreter may precede them."""
    program = next((index for index, word in enumerate(words) if Path(word).name == "rondpoint"), None)
    rest = () if program is None else tuple(words[program + 1 :])
    if rest and not rest[0].startswith("-"):
        return rest[0], rest[1:]
    return "up", rest


def _check_proxy(settings: Settings) -> str:
    """Return what is wrong with the proxy, or an empty text."""
    address = f"{local_url(settings.admin)}/ping"
    try:
        status = get(address, TIMEOUT_SECONDS).status_code
    except requests.RequestException as error:
        return f"no response from {address} ({type(error).__name__})"
    return "" if status == requests.codes.ok else f"{address} responded with {status}"


def _check_agent(settings: Settings) -> str:
    """Return what is wrong with the agent of this host, or an empty text."""
    if settings.redis.url is None:
        return "redis.url is not set"
    try:
        with connect(
            settings.redis.url,
            namespace=settings.redis.namespace,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
        ) as client:
            agents = read_agents(client, Keys(settings.redis.namespace))
    except (redis.RedisError, ValueError) as error:
        return f"the store does not respond: {error}"
    host, now = socket.gethostname(), time.time()
    seen = max((agent.seen_at for agent in agents.values() if agent.host == host), default=None)
    if seen is None:
        return f"the store knows no agent on host {host}"
    age = now - seen
    return f"the agent's last heartbeat is {age:.0f} s old" if age > MAX_HEARTBEAT_AGE else ""
