"""`rondpoint up`: plans what runs store, agent and proxy in the foreground."""

from __future__ import annotations

from collections.abc import Callable

import click

from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.planning import make_plan
from rondpoint.cli.start_plan import StartPlan


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@settings_flags
@click.pass_obj
def up(run_later: Callable[[StartPlan], object], flags: tuple[str, ...]) -> None:
    """Run store, agent and proxy in the foreground.

    Give settings as Traefik's flags (--providers.docker.domain=test, --web), as environment variables
    (RONDPOINT_PROVIDERS_DOCKER_DOMAIN) or in a file (--configFile=FILE; default: rondpoint.toml,
    traefik.yml and similar names in the working directory or in /etc). Without redis.url, `up` starts its
    own store.

    SIGTERM or Ctrl-C stops all processes in order, after running requests have finished; a second one stops
    them at once. SIGHUP reloads the proxy. SIGUSR1 reopens log files.
    """
    run_later(make_plan(flags))
