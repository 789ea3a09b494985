"""Lets a command take settings as flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

PASS_UNKNOWN_FLAGS = {"ignore_unknown_options": True, "help_option_names": ["--help", "-h"]}
"""Context settings of a command with settings as flags: click passes unknown flags on unchanged."""


def settings_flags(command: _Command) -> _Command:
    """Add the argument `flags` to a command: its settings as written, for `load_or_exit`."""
    argument = click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY=VALUE]...")
    return argument(command)
