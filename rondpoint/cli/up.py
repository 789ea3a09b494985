"""`rondpoint up`: runs store, agent and proxy in the foreground."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import click

from rondpoint import logs
from rondpoint.cli import start_plan
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.forked_call import forked_call
from rondpoint.cli.readiness import ReadinessSocket
from rondpoint.cli.supervisor import Supervisor

log = logging.getLogger(__name__)


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@settings_flags
def up(flags: tuple[str, ...]) -> None:
    """Run store, agent and proxy in the foreground.

    Give settings as Traefik's flags (--providers.docker.domain=test, --web), as environment variables
    (RONDPOINT_PROVIDERS_DOCKER_DOMAIN) or in a file (--configFile=FILE; default: rondpoint.toml,
    traefik.yml and similar names in the working directory or in /etc). Without redis.url, `up` starts its
    own store.

    SIGTERM or Ctrl-C stops all processes in order, after running requests have finished; a second one stops
    them at once. SIGHUP reloads the proxy. SIGUSR1 reopens log files.
    """
    plan = start_plan.decode(forked_call(lambda: _encoded_plan(flags)))
    with ExitStack() as at_end:
        directory = plan.directory
        at_end.callback(shutil.rmtree, directory)
        report: Callable[[str], None] = _print_event
        print_summary: Callable[[str], None] = _print_summary
        if logs.is_machine_readable(plan.log):
            logs.configure(plan.log)
            report = print_summary = _log_lines
        if plan.fault:
            report(plan.fault)
            sys.exit(1)
        with ReadinessSocket(directory) as readiness_socket:
            code = Supervisor(
                plan.children,
                readiness_socket,
                os.environ,
                on_ready=lambda: print_summary(plan.summary),
                report=report,
            ).run()
    sys.exit(code)


def _encoded_plan(flags: Sequence[str]) -> bytes:
    # Settings and their libraries take more memory than all that `up` does later.
    from rondpoint.cli.planning import make_plan  # noqa: PLC0415

    return start_plan.encode(make_plan(flags))


def _log_lines(text: str) -> None:
    for line in text.splitlines():
        log.info("%s", line)


def _print_summary(text: str) -> None:
    click.echo(text)


def _print_event(line: str) -> None:
    click.echo(f"rondpoint: {line}", err=True)
