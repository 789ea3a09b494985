"""The options of the application log, without the settings that they come from.

So a process can write the log without the memory of all settings.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol


class LogLevel(StrEnum):
    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"
    PANIC = "PANIC"


class LogFormat(StrEnum):
    COMMON = "common"
    JSON = "json"


class LogOptions(Protocol):
    """The values of the section `log`, which describes them; sizes are in megabytes, ages in days."""

    @property
    def level(self) -> LogLevel: ...

    @property
    def format(self) -> LogFormat: ...

    @property
    def file_path(self) -> Path | None: ...

    @property
    def max_size(self) -> int: ...

    @property
    def max_backups(self) -> int: ...

    @property
    def max_age(self) -> int: ...

    @property
    def compress(self) -> bool: ...
