"""The options of the log in the plan of `rondpoint up`."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from rondpoint.logs.options import LogFormat, LogLevel


class PlannedLog(Struct, frozen=True):
    """The options of the log, without the settings."""

    level: LogLevel
    format: LogFormat
    file_path: Path | None
    max_size: int
    max_backups: int
    max_age: int
    compress: bool
