"""Loads the settings of a command and reports what is wrong with them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from rondpoint import logs
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import LoadedSettings, SettingsError, load
from rondpoint.terminal_text import printable

log = logging.getLogger(__name__)

_LEVELS = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.NOTE: logging.INFO,
}


def load_or_exit(flags: Sequence[str]) -> LoadedSettings:
    """Load the settings; if they are unusable, print every error and exit with code 2."""
    try:
        return load(flags, os.environ, Path.cwd())
    except SettingsError as fault:
        print_diagnostics(fault.diagnostics)
        sys.exit(2)


def report_warnings(loaded: LoadedSettings) -> None:
    """Report the warnings about the settings: in the log if its format is JSON, else on standard error."""
    if not logs.is_machine_readable(loaded.settings.log):
        print_diagnostics(loaded.warnings)
        return
    for diagnostic in loaded.warnings:
        log.log(_LEVELS[diagnostic.severity], "%s", diagnostic)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics to standard error, one line each."""
    for diagnostic in diagnostics:
        click.echo(printable(f"{diagnostic.severity}: {diagnostic}"), err=True)
