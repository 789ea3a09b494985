"""What `rondpoint up` runs: the result of its settings, without the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from rondpoint.cli.child import ChildSpec
from rondpoint.logs.options import LogFormat, LogLevel


class PlannedLog(Struct, frozen=True):
    """The options of the log."""

    level: LogLevel
    format: LogFormat
    file_path: Path | None
    max_size: int
    max_backups: int
    max_age: int
    compress: bool


class StartPlan(Struct, frozen=True):
    """The child processes, their private directory, the summary when they are ready, and the log.

    If `fault` is not empty, nothing can be started, and it says why.
    """

    log: PlannedLog
    directory: Path
    children: tuple[ChildSpec, ...] = ()
    summary: str = ""
    fault: str = ""


def encode(plan: StartPlan) -> bytes:
    """Return the plan as JSON."""
    return msgspec.json.encode(plan, enc_hook=str)


def decode(data: bytes) -> StartPlan:
    """Return the plan of `encode`."""
    return msgspec.json.decode(data, type=StartPlan, dec_hook=_decode_path)


def _decode_path(kind: type, value: Any) -> Any:
    make: Callable[[str], Any] = kind
    return make(value)
