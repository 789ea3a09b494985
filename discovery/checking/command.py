"""The command `rondpoint check`."""

from __future__ import annotations

import os
from itertools import takewhile
from pathlib import Path

import click

from discovery.checking.checker import check_files
from discovery.checking.report import as_json, as_text
from rondpoint.terminal_text import printable


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
@click.option("--strict", is_flag=True, help="Exit with 1 if there is a warning, too.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FILE]... [FLAGS]...")
def check(*, json: bool, strict: bool, arguments: tuple[str, ...]) -> None:
    """Report errors in settings, route files and compose files, and list the routes.

    FILE is a route file, a directory of route files, a compose file, or a settings file. Several files are
    checked together. In a compose file, the labels are checked, and the settings of the services that run
    Traefik or Rondpoint: their command, environment and mounted files. Without a FILE, the settings are
    those that `rondpoint up` with the same FLAGS would use.
    The exit status is 1 if there is an error.
    """
    file_names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    flags = arguments[len(file_names) :]
    report = check_files([Path(name) for name in file_names], flags, os.environ, Path.cwd())
    click.echo(as_json(report).decode() if json else "\n".join(map(printable, as_text(report))))
    if report.failed(strict=strict):
        raise SystemExit(1)
