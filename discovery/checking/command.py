"""The command `rondpoint check`."""

from __future__ import annotations

import os
from itertools import takewhile
from pathlib import Path

import click

from discovery.checking.checker import check as checked
from discovery.checking.report import as_json, as_text
from rondpoint.terminal_text import printable


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--json", "json", is_flag=True, help="Print one object for programs.")
@click.option("--strict", is_flag=True, help="End with 1 for a warning, too.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FILE]... [FLAGS]...")
def check(*, json: bool, strict: bool, arguments: tuple[str, ...]) -> None:
    """Say what is wrong with settings, files of routes and compose files, and list the routes.

    FILE is a file of routes, a directory of such files, a compose file, or a file of settings; several are
    checked together. Of a compose file, labels are checked, and the settings of the services that run Traefik
    or Rondpoint: their command, environment and mounted files. Without any FILE, settings are found as
    `rondpoint up` with the same FLAGS would find them.
    Ends with 1 when there is an error.
    """
    named = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    found = checked([Path(name) for name in named], arguments[len(named) :], os.environ, Path.cwd())
    click.echo(as_json(found).decode() if json else "\n".join(map(printable, as_text(found))))
    if found.failed(strict=strict):
        raise SystemExit(1)
