"""The settings of the access log, with Traefik's names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, OptionalPath, Seconds, Switch

_STATUSES = re.compile(r"([1-9]\d\d)(?:-([1-9]\d\d))?", re.ASCII)


class AccessLogFormat(StrEnum):
    COMMON = "common"
    GENERIC = "genericCLF"
    JSON = "json"


class FieldMode(StrEnum):
    """The treatment of a field or of a header's value."""

    KEEP = "keep"
    DROP = "drop"
    REDACT = "redact"


_NAMES = """
ClientAddr ClientHost ClientPort ClientUsername DownstreamContentSize DownstreamStatus Duration entryPointName
GrpcStatus GzipRatio MiddlewareName OriginContentSize OriginDuration OriginStatus Overhead RequestAddr
RequestContentSize RequestCount RequestHost RequestId RequestMethod RequestPath RequestPort RequestProtocol
RequestScheme RetryAttempts RouterName ServiceAddr ServiceName ServiceURL SpanId span_id StartLocal StartUTC
TLSCipher TLSClientSubject TLSVersion TraceId trace_id
"""
FIELDS = tuple(_NAMES.split())
"""All fields that can be kept or dropped by name."""

_IGNORED_FIELDS = """
requestline originstatusline downstreamstatusline kubernetesingressnamespace kubernetesingressname
kubernetesservicename kubernetesserviceport
"""
_ACCEPTED = {
    **{name.lower(): name for name in FIELDS},
    # The names of Traefik 1.
    "frontendname": "RouterName",
    "backendname": "ServiceName",
    "backendurl": "ServiceURL",
    "backendaddr": "ServiceAddr",
    # Fields of Traefik that Rondpoint does not log.
    **dict.fromkeys(_IGNORED_FIELDS.split(), ""),
}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


def _parse_format(value: object) -> object:
    for known in AccessLogFormat:
        if str(value).strip().lower() == known.lower():
            return known
    raise ValueError("expected one of " + ", ".join(AccessLogFormat))


def _mode_parser(*modes: FieldMode) -> Callable[[object], FieldMode]:
    def parse(value: object) -> FieldMode:
        for mode in modes:
            if str(value).strip().lower() == mode:
                return mode
        raise ValueError("expected one of " + ", ".join(modes))

    return parse


_parse_field_mode = _mode_parser(FieldMode.KEEP, FieldMode.DROP)
_parse_header_mode = _mode_parser(*FieldMode)


def _parse_optional_header_mode(value: object) -> FieldMode | None:
    return None if value is None else _parse_header_mode(value)


def parse_fields(value: object) -> Mapping[str, FieldMode]:
    """Return the modes by field name, in the spelling of FIELDS. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("expected field names, each with a mode")  # noqa: TRY004 - a fault of the user
    modes: dict[str, FieldMode] = {}
    for name, mode in value.items():
        known = _ACCEPTED.get(str(name).lower())
        if known is None:
            close = difflib.get_close_matches(str(name).lower(), _ACCEPTED, n=1, cutoff=0.6)
            raise ValueError(
                f"unknown field {name!r}" + (f": did you mean {_ACCEPTED[close[0]]}?" if close else "")
            )
        if known:
            modes[known] = _parse_mode(name, mode, _parse_field_mode)
    return modes


def parse_headers(value: object) -> Mapping[str, FieldMode]:
    """Return the modes by lower-case header name. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("expected header names, each with a mode")  # noqa: TRY004 - a fault of the user
    for name in value:
        if not _HEADER.fullmatch(str(name)):
            raise ValueError(f"{name!r} is not the name of a header")
    return {str(name).lower(): _parse_mode(name, mode, _parse_header_mode) for name, mode in value.items()}


def _parse_mode(name: object, mode: object, parse: Callable[[object], FieldMode]) -> FieldMode:
    try:
        return parse(mode)
    except ValueError as error:
        raise ValueError(f"bad value {mode!r} for {name!r}: {error}") from None


def parse_statuses(value: object) -> frozenset[int]:
    """Return the status codes of `200`, `200,404`, `300-302,500-599` or a list of such texts.

    Raises ValueError.
    """
    if isinstance(value, frozenset):
        return value
    items = value if isinstance(value, list) else str(value).split(",")
    statuses: set[int] = set()
    for item in items:
        match = _STATUSES.fullmatch(str(item).strip())
        if match is None:
            raise ValueError("expected status codes and ranges, such as 200,300-302")
        statuses.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(statuses)


class AccessLogFilters(Section):
    status_codes: Annotated[frozenset[int], Parse(parse_statuses)] = Field(
        default=frozenset(), description="Log requests with these status codes: `200,300-302`."
    )
    min_duration: Seconds = Field(
        default=0.0,
        description="Log requests that took at least this time. With several filters, one match is enough.",
    )
    retry_attempts: Switch = Field(
        default=False,
        description="Log requests that were sent to more than one server because one could not be reached.",
    )


class AccessLogHeaders(Section):
    default_mode: Annotated[FieldMode | None, Parse(_parse_optional_header_mode)] = Field(
        default=None,
        description="The mode of headers: `keep`, `drop` or `redact`. If it is not set, the log keeps "
        "`Referer` and `User-Agent` of requests and drops all others.",
    )
    names: Annotated[Mapping[str, FieldMode], Parse(parse_headers)] = Field(
        default_factory=dict, description="The mode of the header NAME."
    )


class AccessLogQuery(Section):
    default_mode: Annotated[FieldMode, Parse(_parse_field_mode)] = Field(
        default=FieldMode.KEEP, description="`drop` removes the query, after the `?`, from `RequestPath`."
    )


class AccessLogFields(Section):
    default_mode: Annotated[FieldMode, Parse(_parse_field_mode)] = Field(
        default=FieldMode.KEEP, description="The mode of fields: `keep` or `drop`."
    )
    names: Annotated[Mapping[str, FieldMode], Parse(parse_fields)] = Field(
        default_factory=dict,
        description="The mode of the field NAME. In `common` and `genericCLF`, a hyphen replaces dropped "
        "fields.",
    )
    headers: AccessLogHeaders = AccessLogHeaders()
    query_parameters: AccessLogQuery = AccessLogQuery()

    def kept(self, name: str) -> bool:
        """Return whether the log contains a field."""
        return self.names.get(name, self.default_mode) is FieldMode.KEEP


class AccessLog(Section):
    """Write a line for each request."""

    file_path: OptionalPath = Field(
        default=None,
        description="The file to append to; without it, standard output. SIGUSR1 reopens it.",
    )
    format: Annotated[AccessLogFormat, Parse(_parse_format)] = Field(
        default=AccessLogFormat.COMMON,
        description="`common` (Traefik's format), `genericCLF` (without Traefik's additional fields) or "
        "`json`.",
    )
    buffering_size: NonNegativeInt = Field(
        default=0,
        description="Number of lines to buffer before writing; no line waits longer than a second. `0`: "
        "2000.",
    )
    add_internals: Switch = Field(
        default=False,
        description="Log requests to API, dashboard, ping and `/metrics` too, also without a router.",
    )
    filters: AccessLogFilters = AccessLogFilters()
    fields: AccessLogFields = AccessLogFields()
