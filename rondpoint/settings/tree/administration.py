"""The settings of the API, the dashboard, ping and the application log."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from rondpoint.logs.options import LogFormat, LogLevel
from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, OptionalPath, Switch, Text, Texts, parse_count


class BasicAuth(Section):
    """Users and passwords for the admin entry point."""

    users: Texts = Field(
        default=(),
        description="Users as `NAME:HASH`, as `htpasswd` writes them (bcrypt, MD5 or SHA-1), separated by "
        "commas.",
    )
    users_file: OptionalPath = Field(default=None, description="A file with such users, one on each line.")


class Statistics(Section):
    recent_errors: NonNegativeInt = Field(
        default=10, description="How many of the last server errors (5xx) `/health` shows; 0 for none."
    )


_BASE_PATH = re.compile(r"(?:/(?!\.\.?(?:/|$))[a-zA-Z0-9_.:~-]+)*/?")
"""Segments of the characters that Traefik allows, without those that clients resolve (RFC 3986 §5.2.4)."""


def _parse_base_path(value: object) -> str:
    text = str(value).strip()
    if not text or not _BASE_PATH.fullmatch(text):
        raise ValueError("expected a path such as /traefik, of letters, digits and _ . : ~ -")
    return text.rstrip("/") or "/"


class Api(Section):
    insecure: Switch = Field(
        default=False,
        description="Allow every client to read on the admin entry point, and set its default address to "
        "`:8080`. Changes still require a token or a password.",
    )
    token: Text = Field(
        default="",
        description="The token that programs send to the admin entry point: `Authorization: Bearer TOKEN`.",
    )
    token_file: OptionalPath = Field(default=None, description="A file with the token.")
    basic_auth: BasicAuth = BasicAuth()
    base_path: Annotated[str, Parse(_parse_base_path)] = Field(
        default="/",
        description="The path below which the API and the dashboard are, also through routers to "
        "`api@internal`. `/ping` and `/metrics` are there, too, and at their own paths.",
    )
    entry_point: Text = Field(
        default="traefik",
        description="A web entry point that also serves the API of Traefik 1 (`/api`, `/api/providers`, "
        "`/api/version`) and the dashboard, before all routers, but behind the middlewares of the entry "
        "point. Without a token or passwords, nobody can change anything there.",
    )
    dashboard: Switch = Field(default=True, description="Serve the dashboard at `/dashboard/`.")
    dashboard_name: Text = Field(
        default="", description="A name that the dashboard's title shows, such as that of an environment."
    )
    read_only: Switch = Field(
        default=False,
        description="Refuse changes, also with a token or a password.",
    )
    statistics: Statistics = Statistics()


def _parse_status(value: object) -> int:
    status = parse_count(value)
    if status < 200 or status not in set(HTTPStatus):
        raise ValueError("expected the status of a response, such as 503")
    return status


class Ping(Section):
    """Respond to `/ping` on the admin entry point, also without this section."""

    entry_point: Text = Field(
        default="traefik",
        description="A web entry point that also responds to `/ping`, before all routers and redirections, "
        "but behind the middlewares of the entry point.",
    )
    manual_routing: Switch = Field(
        default=False,
        description="Leave it to routers to serve `ping@internal`; only the admin entry point still responds "
        "to `/ping`.",
    )
    terminating_status_code: Annotated[int, Parse(_parse_status)] = Field(
        default=503,
        description="The status of `/ping` while Rondpoint ends and still accepts connections (`entryPoints."
        "NAME.transport.lifeCycle.requestAcceptGraceTimeout`).",
    )


def _parse_level(value: object) -> LogLevel:
    level = str(value).strip().upper()
    if level == "WARNING":
        return LogLevel.WARN
    if level not in LogLevel.__members__:
        raise ValueError("expected one of " + ", ".join(LogLevel))
    return LogLevel[level]


def _parse_format(value: object) -> object:
    for known in LogFormat:
        if str(value).strip().lower() == known:
            return known
    raise ValueError("expected one of " + ", ".join(LogFormat))


class Log(Section):
    level: Annotated[LogLevel, Parse(_parse_level)] = Field(
        default=LogLevel.INFO, description="The lowest severity to log: " + ", ".join(LogLevel) + "."
    )
    format: Annotated[LogFormat, Parse(_parse_format)] = Field(
        default=LogFormat.COMMON, description="`common`, or `json` with one object on each line."
    )
    file_path: OptionalPath = Field(
        default=None,
        description="The file to append to; without it, standard error. If the file is moved away, Rondpoint "
        "creates a new one.",
    )
    max_size: NonNegativeInt = Field(
        default=100,
        description="Size in megabytes at which the file is renamed, with the time in its name, and a new "
        "file starts; 0 for no limit.",
    )
    max_backups: NonNegativeInt = Field(default=0, description="Number of old files to keep; 0 for all.")
    max_age: NonNegativeInt = Field(
        default=0, description="Age in days at which old files are deleted; 0 for never."
    )
    compress: Switch = Field(default=True, description="Compress old files with gzip.")
