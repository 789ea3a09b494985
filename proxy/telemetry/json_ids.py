"""The fields with ids in JSON log lines, computed for many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from proxy.telemetry.drawn_ids import REQUEST_ID, TRACEPARENT, request_id, trace_ids
from proxy.telemetry.escaping import as_text

if TYPE_CHECKING:
    from proxy.telemetry.tracing.trace import RequestTrace

    LoggedIds = bytes | tuple[bytes, RequestTrace | None]
    """Drawn header lines of a request, or its request id (empty: none) and its trace."""

NAMES = ("RequestId", "trace_id", "span_id", "TraceId", "SpanId")
"""The fields in the order of the columns."""

Column = Sequence[str | UnsetType]

_REQUEST_ID, _TRACEPARENT = REQUEST_ID.decode(), TRACEPARENT.decode()


def id_columns(found: Sequence[LoggedIds]) -> tuple[Column, ...]:
    """Return a column for each of NAMES."""
    # Mostly all requests have drawn ids of the same kinds.
    drawn = [each for each in found if isinstance(each, bytes)]
    if len(drawn) == len(found) and len(set(map(len, drawn))) == 1:
        requests, traces, spans = _cut(drawn)
    else:
        requests, traces, spans = zip(*map(_texts, found), strict=True)
    return requests, traces, spans, traces, spans


def _cut(drawn: Sequence[bytes]) -> tuple[Column, Column, Column]:
    """Return the columns of ids in lines of the same layout."""
    joined = b"".join(drawn).decode().replace(_REQUEST_ID, "-").replace(_TRACEPARENT, "-")
    texts = joined.split("-")[1:]
    none = [UNSET] * len(drawn)
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
    if isinstance(ids, bytes):
        request, both = request_id(ids), trace_ids(ids)
    else:
        request, trace = ids
        both = b"" if trace is None else trace.ids
    return tuple(as_text(each) if each else UNSET for each in (request, both[:32], both[33:]))
