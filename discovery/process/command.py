"""The command `rondpoint agent`."""

from __future__ import annotations

import os
import threading

import click

from discovery.process.agent import Agent
from discovery.process.termination import run_until_signalled
from rondpoint import logs
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.flags import load_or_exit, report_warnings
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import FLAGS
from rondpoint.store.client import connect
from rondpoint.store.sealing import SealError, sealer_of


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@settings_flags
def agent(flags: tuple[str, ...]) -> None:
    """Read the sources of routes and write the merged configuration to the store.

    Takes settings as flags, such as --redis.url=redis://host or --providers.docker.
    """
    loaded = load_or_exit(flags)
    url = loaded.settings.redis.url
    if url is None:
        click.echo("error: settings: redis.url is not set, and an agent needs a store to write to", err=True)
        raise SystemExit(2)
    try:
        sealer_of(loaded.settings)
    except SealError as error:
        click.echo(f"error: settings: {error}", err=True)
        raise SystemExit(2) from None
    logs.configure(loaded.settings.log)
    if FLAGS not in os.environ:
        # Otherwise `rondpoint up` has printed them.
        report_warnings(loaded)
    run_until_signalled("agent", lambda stop: _work(loaded.settings, url, stop))


def _work(settings: Settings, url: str, stop: threading.Event) -> None:
    with connect(url, namespace=settings.redis.namespace) as client:
        Agent(settings, client).run(stop)
