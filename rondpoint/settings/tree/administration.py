"""What an operator looks at: API, dashboard, ping, log."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, NonNegativeInt, Switch, Text, Texts


class BasicAuth(Section):
    """Who may use the admin entry point, by name and password."""

    users: Texts = Field(
        default=(),
        description="`NAME:HASH` as `htpasswd` writes them: bcrypt, MD5 or SHA-1; commas between several.",
    )
    users_file: OptionalPath = Field(default=None, description="A file of such users, one a line.")


class Statistics(Section):
    recent_errors: NonNegativeInt = Field(
        default=10, description="How many of the last server errors (5xx) `/health` tells of; 0 for none."
    )


class Api(Section):
    insecure: Switch = Field(
        default=False,
        description="Put the admin entry point on `:8080`, unless its address is set, and let everybody who "
        "reaches it read. Changes still need a token or a password.",
    )
    token: Text = Field(
        default="",
        description="What programs that use the admin entry point show, as `Authorization: Bearer TOKEN`.",
    )
    token_file: OptionalPath = Field(default=None, description="A file that holds the token.")
    basic_auth: BasicAuth = BasicAuth()
    dashboard: Switch = Field(default=True, description="Serve the dashboard at `/dashboard/`.")
    statistics: Statistics = Statistics()


class Ping(Section):
    """Answers `/ping` on the admin entry point."""


class LogLevel(StrEnum):
    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"
    PANIC = "PANIC"


def _level(value: object) -> object:
    level = value.strip().upper() if isinstance(value, str) else value
    if level == "WARNING":
        return LogLevel.WARN
    if level not in LogLevel.__members__:
        raise ValueError("expected one of " + ", ".join(LogLevel))
    return level


class LogFormat(StrEnum):
    COMMON = "common"
    JSON = "json"


def _format(value: object) -> object:
    for known in LogFormat:
        if str(value).strip().lower() == known:
            return known
    raise ValueError("expected one of " + ", ".join(LogFormat))


class Log(Section):
    level: Annotated[LogLevel, BeforeValidator(_level)] = Field(
        default=LogLevel.INFO, description="The least severity that is logged: " + ", ".join(LogLevel) + "."
    )
    format: Annotated[LogFormat, BeforeValidator(_format)] = Field(
        default=LogFormat.COMMON, description="`common` or `json`: an object a line."
    )
    file_path: OptionalPath = Field(
        default=None,
        description="Where to, appended; stderr without. After a file that was moved away comes a new one.",
    )
    max_size: NonNegativeInt = Field(
        default=100,
        description="Megabytes after which the file gets another name, with the time in it, and a new one is "
        "begun; 0 for no limit.",
    )
    max_backups: NonNegativeInt = Field(default=0, description="How many of these old files are kept; 0 for all.")
    max_age: NonNegativeInt = Field(default=0, description="Days after which old files are removed; 0 for never.")
    compress: Switch = Field(default=True, description="Compress old files with gzip.")
