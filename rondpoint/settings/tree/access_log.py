"""The access log, under Traefik's names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, NonNegativeInt, Seconds, Switch

_STATUSES = re.compile(r"([1-9]\d\d)(?:-([1-9]\d\d))?", re.ASCII)


class AccessLogFormat(StrEnum):
    COMMON = "common"
    GENERIC = "genericCLF"
    JSON = "json"


class FieldMode(StrEnum):
    """What becomes of a field, or of a header's value."""

    KEEP = "keep"
    DROP = "drop"
    REDACT = "redact"


_NAMES = """
ClientAddr ClientHost ClientPort ClientUsername DownstreamContentSize DownstreamStatus Duration entryPointName
GzipRatio OriginContentSize OriginDuration OriginStatus Overhead RequestAddr RequestContentSize RequestCount
RequestHost RequestId RequestMethod RequestPath RequestPort RequestProtocol RequestScheme RetryAttempts
RouterName ServiceAddr ServiceName ServiceURL SpanId span_id StartLocal StartUTC TLSCipher TLSClientSubject
TLSVersion TraceId trace_id
"""
FIELDS = tuple(_NAMES.split())
"""Every field of a line that can be kept or dropped by its name."""

_IN_NO_LINE = """
requestline originstatusline downstreamstatusline kubernetesingressnamespace kubernetesingressname
kubernetesservicename kubernetesserviceport
"""
_ACCEPTED = {
    **{name.lower(): name for name in FIELDS},
    # Traefik 1 called them so.
    "frontendname": "RouterName",
    "backendname": "ServiceName",
    "backendurl": "ServiceURL",
    "backendaddr": "ServiceAddr",
    # Of Traefik's list, but in none of our lines.
    **dict.fromkeys(_IN_NO_LINE.split(), ""),
}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


def _format(value: object) -> object:
    for known in AccessLogFormat:
        if str(value).strip().lower() == known.lower():
            return known
    raise ValueError("expected one of " + ", ".join(AccessLogFormat))


def _mode_among(*modes: FieldMode) -> Callable[[object], FieldMode]:
    def parse(value: object) -> FieldMode:
        for mode in modes:
            if str(value).strip().lower() == mode:
                return mode
        raise ValueError("expected one of " + ", ".join(modes))

    return parse


_field_mode = _mode_among(FieldMode.KEEP, FieldMode.DROP)
_header_mode = _mode_among(*FieldMode)


def _header_mode_or_none(value: object) -> FieldMode | None:
    return None if value is None else _header_mode(value)


def parse_fields(value: object) -> Mapping[str, FieldMode]:
    """Modes by name of field, in the spelling of FIELDS."""
    if not isinstance(value, Mapping):
        raise ValueError("expected names of fields and, of each, a mode")  # noqa: TRY004 - pydantic reports ValueError
    modes: dict[str, FieldMode] = {}
    for name, mode in value.items():
        known = _ACCEPTED.get(str(name).lower())
        if known is None:
            close = difflib.get_close_matches(str(name).lower(), _ACCEPTED, n=1, cutoff=0.6)
            raise ValueError(
                f"{name!r} is no field" + (f": did you mean {_ACCEPTED[close[0]]}?" if close else "")
            )
        if known:
            modes[known] = _of_key(name, mode, _field_mode)
    return modes


def parse_headers(value: object) -> Mapping[str, FieldMode]:
    """Modes by name of header, in lower case."""
    if not isinstance(value, Mapping):
        raise ValueError("expected names of headers and, of each, a mode")  # noqa: TRY004 - pydantic reports ValueError
    for name in value:
        if not _HEADER.fullmatch(str(name)):
            raise ValueError(f"{name!r} is not the name of a header")
    return {str(name).lower(): _of_key(name, mode, _header_mode) for name, mode in value.items()}


def _of_key(name: object, mode: object, parse: Callable[[object], FieldMode]) -> FieldMode:
    try:
        return parse(mode)
    except ValueError as error:
        raise ValueError(f"bad value {mode!r} for {name!r}: {error}") from None


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
        description="Log what took as long; with other filters too, what any of them asks for.",
    )
    retry_attempts: Switch = Field(
        default=False,
        description="Log what was sent to more than one server, since one could not be reached.",
    )


class AccessLogHeaders(Section):
    default_mode: Annotated[FieldMode | None, BeforeValidator(_header_mode_or_none)] = Field(
        default=None,
        description="What becomes of headers: `keep`, `drop` or `redact`. Unless it is set, `Referer` and "
        "`User-Agent` of requests are kept and all others dropped.",
    )
    names: Annotated[Mapping[str, FieldMode], BeforeValidator(parse_headers)] = Field(
        default_factory=dict, description="What becomes of the header NAME."
    )


class AccessLogQuery(Section):
    default_mode: Annotated[FieldMode, BeforeValidator(_field_mode)] = Field(
        default=FieldMode.KEEP, description="`drop` leaves what follows the `?` out of `RequestPath`."
    )


class AccessLogFields(Section):
    default_mode: Annotated[FieldMode, BeforeValidator(_field_mode)] = Field(
        default=FieldMode.KEEP, description="What becomes of fields: `keep` or `drop`."
    )
    names: Annotated[Mapping[str, FieldMode], BeforeValidator(parse_fields)] = Field(
        default_factory=dict,
        description="What becomes of the field NAME. In the formats of lines, a hyphen stands for what is "
        "dropped.",
    )
    headers: AccessLogHeaders = AccessLogHeaders()
    query_parameters: AccessLogQuery = AccessLogQuery()

    def kept(self, name: str) -> bool:
        """Whether a field is in a line."""
        return self.names.get(name, self.default_mode) is FieldMode.KEEP


class AccessLog(Section):
    """Writes a line for each request."""

    file_path: OptionalPath = Field(
        default=None,
        description="Where to, appended; standard output without. SIGUSR1 opens it anew.",
    )
    format: Annotated[AccessLogFormat, BeforeValidator(_format)] = Field(
        default=AccessLogFormat.COMMON,
        description="`common` (Traefik's lines), `genericCLF` (without what Traefik adds) or `json`.",
    )
    buffering_size: NonNegativeInt = Field(
        default=0,
        description="Lines to gather before they are written; none waits longer than a second. `0`: 2000.",
    )
    add_internals: Switch = Field(
        default=False, description="Log requests to API, dashboard, ping and `/metrics` too."
    )
    filters: AccessLogFilters = AccessLogFilters()
    fields: AccessLogFields = AccessLogFields()
