"""The access log, under Traefik's names."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Location, Number, Seconds

_STATUSES = re.compile(r"([1-9]\d\d)(?:-([1-9]\d\d))?", re.ASCII)


class AccessLogFormat(StrEnum):
    COMMON = "common"
    JSON = "json"


def _format(value: object) -> object:
    try:
        return AccessLogFormat(str(value).strip().lower())
    except ValueError:
        raise ValueError("expected one of " + ", ".join(AccessLogFormat)) from None


def parse_statuses(value: object) -> frozenset[int]:
    """The statuses in `200`, `200,404`, `300-302,500-599`, or in a list of such."""
    if isinstance(value, frozenset):
        return value
    items = value if isinstance(value, list) else str(value).split(",")
    statuses: set[int] = set()
    for item in items:
        match = _STATUSES.fullmatch(str(item).strip())
        if match is None:
            raise ValueError("expected statuses and ranges of them, such as 200,300-302")
        statuses.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(statuses)


class AccessLogFilters(Section):
    status_codes: Annotated[frozenset[int], BeforeValidator(parse_statuses)] = Field(
        default=frozenset(), description="Log these statuses: `200,300-302`."
    )
    min_duration: Seconds = Field(
        default=0.0,
        description="Log what took as long; with `statusCodes` too, what either of them asks for.",
    )


class AccessLog(Section):
    """Writes a line for each request."""

    file_path: Location = Field(
        default=None,
        description="Where to, appended; standard output without. SIGUSR1 opens it anew.",
    )
    format: Annotated[AccessLogFormat, BeforeValidator(_format)] = Field(
        default=AccessLogFormat.COMMON, description="`common` or `json`."
    )
    buffering_size: Number = Field(
        default=0,
        description="Lines to gather before they are written; none waits longer than a second. `0`: 2000.",
    )
    filters: AccessLogFilters = AccessLogFilters()
