"""The access log as JSON lines with Traefik's field names; times in nanoseconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import sub
from struct import Struct
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from proxy.telemetry import json_parts
from proxy.telemetry.escaping import as_text, is_plain
from proxy.telemetry.line_template import (
    SLOT,
    Columns,
    ComputeColumns,
    LineTemplate,
    Piece,
    by_second,
    decimals,
    six_digits,
)
from proxy.telemetry.log_clock import ISO, Clock
from proxy.telemetry.logged_headers import BY_DEFAULT, LoggedHeaders, canonical, modes
from proxy.telemetry.protocol_versions import VERSIONS
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, FieldMode
from rondpoint.settings.tree.access_log import FIELDS

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import Add, CompletedRequest
    from proxy.telemetry.json_parts import Outcome

_NOTE = range(19)
"""A note: the positions of its values."""

(
    _NUMBER, _CONNECTION, _TARGET, _METHOD, _VERSION, _HOST, _OUTCOME, _SENT, _ORIGIN_SENT, _STARTED,
    _SECONDS, _OVERHEAD, _TALLY, _URL, _HEADERS, _REQUEST_ID, _TRACE, _HEADS, _RARE,
) = _NOTE  # fmt: skip

_SIZE = len(_NOTE)

# Traefik's logger adds `level`, `msg` and `time` to every line.
_TIMES = (
    ("time", b'{"level":"info","msg":"","time":"%b%bZ"'),
    ("StartLocal", b',"StartLocal":"%b%b%b"'),
    ("StartUTC", b',"StartUTC":"%b%bZ"'),
    ("Duration", b',"Duration":%b'),
    ("OriginDuration", b',"OriginDuration":%b'),
    ("Overhead", b',"Overhead":%b'),
)
# With the position of each in the ids of a trace and of a span.
_TRACE_FIELDS = ("trace_id", 0), ("span_id", 1), ("TraceId", 0), ("SpanId", 1)
_MILLION = 1_000_000
_whole = float.__trunc__

Rare = tuple[str, int]
"""What few requests have: the middleware that responded, and the status of a gRPC call."""


class JsonFormat:
    """Format of one JSON object a line, without the dropped fields.

    A line consists of the request's own values and of cached parts that many lines share.
    """

    note_size = _SIZE

    def __init__(self, fields: AccessLogFields) -> None:
        self._kept = frozenset(("time", *(name for name in FIELDS if fields.kept(name))))
        self._no_query = fields.query_parameters.default_mode is FieldMode.DROP
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)
        self._ending = Clock(ISO)
        self._shown_times = [number for number, (name, _) in enumerate(_TIMES) if name in self._kept]
        # By default, these two headers are in every line.
        always = {
            f"request_{canonical(name)}": ""
            for name in BY_DEFAULT
            if fields.headers.default_mode is None and fields.headers.names.get(name) is not FieldMode.DROP
        }
        self.headers = LoggedHeaders(
            "request_",
            *modes(fields.headers),
            as_text,
            lambda found: json_parts.encode_part(always | found),
        )
        response_modes = modes(fields.headers, request=False)
        self._origin = LoggedHeaders("origin_", *response_modes, as_text, json_parts.encode_part)
        self._sent = LoggedHeaders("downstream_", *response_modes, as_text, json_parts.encode_part)
        self.needs_response_heads = self._sent.wanted
        part = json_parts.part_maker(self._kept)
        self._connection_part = part(json_parts.connection_fields)
        self._routes = ValueCache(part(json_parts.route_fields), lambda _: 0)
        self._servers = ValueCache(part(json_parts.server_fields))
        self._responders = ValueCache(part(json_parts.responder_fields))
        self._grpc_statuses = ValueCache(part(json_parts.grpc_fields), lambda _: 0)
        self._hosts = ValueCache(part(json_parts.host_fields))
        self._methods = [ValueCache(part(json_parts.method_fields(version))) for version in VERSIONS]
        self._outcomes = ValueCache(part(json_parts.outcome_fields), lambda _: 0)
        self.lines = LineTemplate(_SIZE, self._pieces()).lines

    def collector(self, notes: list[Any], most: int, full: Callable[[], None]) -> Add:
        """Return a function that appends a request's note to `notes`, and calls `full` at `most` notes."""
        extend, limit, connection_part = notes.extend, most * _SIZE, self._connection_part
        needs_heads = self.needs_response_heads

        def add(
            completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
        ) -> None:
            connection = completed.logged
            if not connection:
                connection = completed.logged = connection_part(completed)
            if completed.username:
                connection = json_parts.with_username(connection, completed.username)
            outcome: Outcome = completed.status
            sent = origin_sent = completed.sent
            target = completed.target
            url, overhead = "", seconds
            if target is not None:
                url = target.url
                if completed.first_tried_at:
                    overhead = max(completed.first_tried_at - started, 0.0)
            if target is None or completed.refused or completed.body is not None or completed.retries:
                outcome = json_parts.full_outcome(completed)
                origin_sent = sent if outcome[1] else 0
            extend(
                (
                    number,
                    connection,
                    request.target,
                    request.method,
                    request.version,
                    request.host,
                    outcome,
                    sent,
                    origin_sent,
                    started,
                    seconds,
                    overhead,
                    completed.tally,
                    url,
                    request.headers,
                    completed.request_id,
                    completed.traced,
                    (completed.origin_head, completed.sent_head) if needs_heads else None,
                    (completed.responder, completed.grpc_status)
                    if completed.responder or completed.grpc_status >= 0
                    else None,
                )
            )
            if len(notes) >= limit:
                full()

        return add

    def _pieces(self) -> Iterator[Piece]:
        kept = self._kept
        yield Piece(b"".join(_TIMES[number][1] for number in self._shown_times), self._times)
        if "RequestCount" in kept:
            yield Piece(b',"RequestCount":%b', _decimals(_NUMBER))
        yield Piece(SLOT, lambda notes: (notes[_CONNECTION::_SIZE],))
        if "RequestPath" in kept:
            yield Piece(b',"RequestPath":"%b"', self._paths)
        yield Piece(SLOT, self._method_parts)
        yield Piece(SLOT, _parts(_HOST, self._hosts))
        yield Piece(SLOT, _parts(_OUTCOME, self._outcomes))
        if "DownstreamContentSize" in kept:
            yield Piece(b',"DownstreamContentSize":%b', _decimals(_SENT))
        if "OriginContentSize" in kept:
            yield Piece(b',"OriginContentSize":%b', _decimals(_ORIGIN_SENT))
        yield Piece(SLOT, _parts(_TALLY, self._routes))
        yield Piece(SLOT, _parts(_URL, self._servers))
        yield Piece(SLOT, _parts(_HEADERS, self.headers.kept))
        if "RequestId" in kept:
            yield Piece(SLOT * 3, _request_ids)
        trace_fields = [(name, which) for name, which in _TRACE_FIELDS if name in kept]
        if trace_fields:
            yield Piece(SLOT * 2 * len(trace_fields) + SLOT, _traces(trace_fields))
        if self.needs_response_heads:
            yield Piece(SLOT, self._response_headers)
        yield Piece(SLOT, self._rare_parts)
        yield Piece(b"}\n")

    def _times(self, notes: list[Any]) -> Columns:
        """Compute the columns of those of `_TIMES` that are kept."""
        offset = time() - monotonic()
        started = notes[_STARTED::_SIZE]
        count = len(started)
        # Whole numbers of microseconds and nanoseconds, which are faster to add and to write.
        base = int(min(started) + offset)
        offset -= base
        began = list(map(_whole, [(each + offset) * 1e6 for each in started]))
        durations = list(map(_whole, [each * 1e9 for each in notes[_SECONDS::_SIZE]]))
        ended = [each + duration // 1000 for each, duration in zip(began, durations, strict=True)]
        overheads = list(map(min, map(_whole, [each * 1e9 for each in notes[_OVERHEAD::_SIZE]]), durations))
        fractions = six_digits([each % _MILLION + _MILLION for each in (*began, *ended)])

        def second(microseconds: int) -> int:
            return base + microseconds // _MILLION

        starts, start_fractions = by_second(began, second, self._start), fractions[:count]
        columns = (
            (by_second(ended, second, self._end), fractions[count:]),
            ([start[0] for start in starts], start_fractions, [start[1] for start in starts]),
            ([start[2] for start in starts], start_fractions),
            (decimals(durations),),
            (decimals(list(map(sub, durations, overheads))),),
            (decimals(overheads),),
        )
        return [column for number in self._shown_times for column in columns[number]]

    def _end(self, second: int) -> bytes:
        return self._ending.text(second).encode() + b"."

    def _start(self, second: int) -> tuple[bytes, bytes, bytes]:
        """Return the local second, the zone, and the second in UTC."""
        local = self._local.text(second).encode() + b"."
        return local, self._local.zone.encode(), self._utc.text(second).encode() + b"."

    def _paths(self, notes: list[Any]) -> Columns:
        targets = notes[_TARGET::_SIZE]
        if self._no_query:
            targets = [target.partition(b"?")[0] for target in targets]
        if not is_plain(targets):
            targets = [json_parts.quoted_text(target)[1:-1] for target in targets]
        return (targets,)

    def _method_parts(self, notes: list[Any]) -> Columns:
        methods, versions = notes[_METHOD::_SIZE], notes[_VERSION::_SIZE]
        version = versions[0]
        if versions.count(version) == len(versions):
            return (list(map(self._methods[version].__getitem__, methods)),)
        return ([self._methods[each][method] for each, method in zip(versions, methods, strict=True)],)

    def _response_headers(self, notes: list[Any]) -> Columns:
        origin, sent = self._origin.kept, self._sent.kept
        return ([origin[heads[0]] + sent[heads[1]] for heads in notes[_HEADS::_SIZE]],)

    def _rare_parts(self, notes: list[Any]) -> Columns:
        found: list[Rare | None] = notes[_RARE::_SIZE]
        if not any(found):
            return ([b""] * len(found),)
        responders, statuses = self._responders, self._grpc_statuses
        return ([b"" if each is None else responders[each[0]] + statuses[each[1]] for each in found],)


def _decimals(position: int) -> ComputeColumns:
    """Return a function for the column of the whole numbers at this position of notes."""
    return lambda notes: (decimals(notes[position::_SIZE]),)


def _parts(position: int, parts: ValueCache[Any, bytes]) -> ComputeColumns:
    """Return a function for the column of the cached parts of the values at this position of notes."""
    part = parts.__getitem__
    return lambda notes: (list(map(part, notes[position::_SIZE])),)


def _request_ids(notes: list[Any]) -> Columns:
    """Compute the ids of requests, and the texts before and after them."""
    ids = notes[_REQUEST_ID::_SIZE]
    count = len(ids)
    # Ids of ours are alphanumeric and need no escaping.
    if all(ids) and b"".join(ids).isalnum():
        return [b',"RequestId":"'] * count, ids, [b'"'] * count
    nothing = [b""] * count
    return [b',"RequestId":' if each else b"" for each in ids], list(map(_quoted_id, ids)), nothing


def _quoted_id(value: bytes) -> bytes:
    return json_parts.quoted_text(value) if value else b""


def _traces(fields: Sequence[tuple[str, int]]) -> ComputeColumns:
    """Return a function for the columns of the ids of traces, and of the texts around them."""
    texts = [b'",' * bool(number) + b'"%b":"' % name.encode() for number, (name, _) in enumerate(fields)]
    texts = [b"," + texts[0], *texts[1:], b'"']

    def columns(notes: list[Any]) -> Columns:
        ids = [b"" if trace is None else trace.ids for trace in notes[_TRACE::_SIZE]]
        count = len(ids)
        if b"" not in ids:
            found = _id_cutter(count).unpack(b"".join(ids))
            both = found[0::2], found[1::2]
            around = [[text] * count for text in texts]
        else:
            both = tuple(each[:32] for each in ids), tuple(each[33:] for each in ids)
            around = [[text if each else b"" for each in ids] for text in texts]
        found_columns: list[Sequence[bytes]] = []
        for before, (_, which) in zip(around, fields, strict=False):
            found_columns += (before, both[which])
        return (*found_columns, around[-1])

    return columns


@cache
def _id_cutter(count: int) -> Struct:
    """Return what cuts the ids of so many traces and their spans."""
    return Struct("32sx16s" * count)
