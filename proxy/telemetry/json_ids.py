"""The fields with ids in JSON log lines, computed for many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import UNSET, UnsetType

from proxy.telemetry.drawn_ids import REQUEST_ID, TRACEPARENT, request_id, trace_ids
from proxy.telemetry.escaping import as_text

LoggedIds = bytes | tuple[bytes, bytes]
"""Drawn header lines of a request, empty if it has no ids; or its request id, and the ids of trace and span
with a hyphen between them, either of them empty if it has none."""

NAMES = ("RequestId", "trace_id", "span_id", "TraceId", "SpanId")
"""The fields in the order of the columns."""

Column = Sequence[str | UnsetType]

_REQUEST_ID, _TRACEPARENT = REQUEST_ID.decode(), TRACEPARENT.decode()


def id_columns(found: Sequence[LoggedIds]) -> tuple[Column, ...]:
    """Return a column for each of NAMES."""
    # Mostly all requests have drawn ids of the same kinds.
    if len(set(map(type, found))) == 1 and isinstance(found[0], bytes) and len(set(map(len, found))) == 1:
        requests, traces, spans = _cut(cast("Sequence[bytes]", found))
    else:
        requests, traces, spans = zip(*map(_texts, found), strict=True)
    return requests, traces, spans, traces, spans


def _cut(drawn: Sequence[bytes]) -> tuple[Column, Column, Column]:
    """Return the columns of ids in lines of the same layout."""
    none = [UNSET] * len(drawn)
    if not drawn[0]:
        return none, none, none
    joined = b"".join(drawn).decode().replace(_REQUEST_ID, "-").replace(_TRACEPARENT, "-")
    texts = joined.split("-")[1:]
    # Of each line: the request's id; those of trace and span, and flags.
    width = len(texts) // len(drawn)
    if width == 1:
        return texts, none, none
    return (
        texts[0::width] if width == 4 else none,
        texts[width - 3 :: width],
        texts[width - 2 :: width],
    )


def _texts(ids: LoggedIds) -> tuple[str | UnsetType, ...]:
    """Return the ids of the request, its trace and its span."""
    request, both = (request_id(ids), trace_ids(ids)) if isinstance(ids, bytes) else ids
    return tuple(as_text(each) if each else UNSET for each in (request, both[:32], both[33:]))
