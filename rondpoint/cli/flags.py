"""What commands that take settings have in common."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from rondpoint import logs
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import Loaded, SettingsError, load
from rondpoint.terminal_text import printable

log = logging.getLogger(__name__)

_Command = TypeVar("_Command", bound=Callable[..., Any])

PASS_ON = {"ignore_unknown_options": True, "help_option_names": ["--help", "-h"]}
"""Context settings of a command that takes settings as flags: click leaves them as they are."""


def settings_flags(command: _Command) -> _Command:
    """Adds the argument `flags`: settings as they were written, for `load_or_exit`."""
    argument = click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY=VALUE]...")
    return argument(command)


def load_or_exit(flags: Sequence[str]) -> Loaded:
    """The settings; with unusable ones, says everything that is wrong and ends with exit code 2."""
    try:
        return load(flags, os.environ, Path.cwd())
    except SettingsError as fault:
        say_all(fault.diagnostics)
        sys.exit(2)


def say_warnings(loaded: Loaded) -> None:
    """What is to be said about settings that can be used: in the log, if that is all that may be read."""
    if not logs.for_machines(loaded.settings.log):
        say_all(loaded.warnings)
        return
    for diagnostic in loaded.warnings:
        level = logging.ERROR if diagnostic.severity is Severity.ERROR else logging.WARNING
        log.log(level, "%s", diagnostic)


def say_all(diagnostics: Iterable[Diagnostic]) -> None:
    """Findings on stderr, a line each."""
    for diagnostic in diagnostics:
        click.echo(printable(f"{diagnostic.severity}: {diagnostic}"), err=True)
