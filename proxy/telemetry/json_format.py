"""The access log as JSON lines with Traefik's field names; times in nanoseconds, sizes in bytes.

msgspec writes the lines, one struct each, at a fraction of the cost of Python's own steps. It copies Raw
values as they are, so one of them can bring further fields with it: those that many lines share are encoded
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, defstruct

from proxy.telemetry import json_parts
from proxy.telemetry.escaping import as_text, escape_all
from proxy.telemetry.json_ids import NAMES as IDS
from proxy.telemetry.json_ids import id_columns
from proxy.telemetry.json_times import NAMES as TIMES
from proxy.telemetry.json_times import JsonTimes
from proxy.telemetry.logged_headers import BY_DEFAULT, LoggedHeaders, canonical, modes
from proxy.telemetry.protocol_versions import VERSIONS
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, FieldMode
from rondpoint.settings.tree.access_log import FIELDS

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import Add, CompletedRequest
    from proxy.telemetry.json_ids import LoggedIds
    from proxy.telemetry.json_parts import Outcome

_NOTE = range(17)
"""A note: the positions of its values. Those before the connection decide about the shared part of a line."""

(
    _METHOD, _VERSION, _HOST, _OUTCOME, _TALLY, _HEADERS, _RARE,
    _CONNECTION, _URL, _TARGET, _SENT, _ORIGIN_SENT, _STARTED, _SECONDS, _TRIED, _NUMBER, _IDS,
) = _NOTE  # fmt: skip

_SIZE = len(_NOTE)

Columns = Sequence[Sequence[Any]]
"""Columns, each with a value for each line."""

Compute = Callable[[list[Any]], Columns]
"""Computes columns from notes."""

Rare = tuple[str, int, bytes, bytes]
"""Values that few lines show: the middleware that responded, the status of a gRPC call, and the heads of the
server's response and of the one to the client."""

_encode_lines = msgspec.json.Encoder().encode_lines


class JsonFormat:
    """Format of one JSON object a line, without the dropped fields."""

    note_size = _SIZE

    def __init__(self, fields: AccessLogFields) -> None:
        kept = frozenset(("level", "msg", "time", *(name for name in FIELDS if fields.kept(name))))
        self._no_query = fields.query_parameters.default_mode is FieldMode.DROP
        self._times = JsonTimes()
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
        part = json_parts.part_maker(kept)
        self._connection_part = part(json_parts.connection_fields)
        self._routes = ValueCache(part(json_parts.route_fields), lambda _: 0)
        self._responders = ValueCache(part(json_parts.responder_fields))
        self._grpc_statuses = ValueCache(part(json_parts.grpc_fields), lambda _: 0)
        self._hosts = ValueCache(part(json_parts.host_fields))
        self._methods = [ValueCache(part(json_parts.method_fields(version))) for version in VERSIONS]
        self._outcomes = ValueCache(part(json_parts.outcome_fields), lambda _: 0)
        self._shared = ValueCache(self._shared_value, _client_bytes)
        kept_server_fields = [name for name in json_parts.SERVER_FIELDS if name in kept]
        self._servers = ValueCache(json_parts.value_maker(kept_server_fields, json_parts.server_fields))
        self._groups: list[tuple[Compute, list[int]]] = []
        names: list[str] = []
        for group, compute in self._columns(kept_server_fields[:1]):
            self._groups.append((compute, [number for number, name in enumerate(group) if name in kept]))
            names += [name for name in group if name in kept]
        self._line = defstruct("Line", [(name, Any) for name in names], gc=False)

    def collector(self, notes: list[Any], most: int, full: Callable[[], None]) -> Add:
        """Return a function that appends a request's note to `notes`, and calls `full` at `most` notes."""
        extend, limit, connection_part = notes.extend, most * _SIZE, self._connection_part
        needs_heads = self.needs_response_heads

        def add(
            completed: CompletedRequest, request: Request, started: float, seconds: float, number: int
        ) -> None:
            connection = completed.logged
            if not connection:
                connection = completed.logged = Raw(b'""' + connection_part(completed))
            if completed.username:
                connection = json_parts.with_username(connection, completed.username)
            outcome: Outcome = completed.status
            sent = origin_sent = completed.sent
            target = completed.target
            url, tried = "", 0.0
            if target is not None:
                url, tried = target.url, completed.first_tried_at
            if target is None or completed.refused or completed.body is not None or completed.retries:
                outcome = json_parts.full_outcome(completed)
                origin_sent = sent if outcome[1] else 0
            rare: Rare | None = None
            if needs_heads:
                rare = completed.responder, completed.grpc_status, completed.origin_head, completed.sent_head
            elif completed.responder or completed.grpc_status >= 0:
                rare = completed.responder, completed.grpc_status, b"", b""
            tally = completed.tally
            ids: LoggedIds = completed.own_ids
            if not ids or tally.observability is not None:
                trace = completed.traced
                given = completed.request_id
                ids = (given, b"" if trace is None else trace.ids) if given or trace is not None else b""
            extend(
                (
                    request.method,
                    request.version,
                    request.host,
                    outcome,
                    tally,
                    request.headers,
                    rare,
                    connection,
                    url,
                    request.target,
                    sent,
                    origin_sent,
                    started,
                    seconds,
                    tried,
                    number,
                    ids,
                )
            )
            if len(notes) >= limit:
                full()

        return add

    def lines(self, notes: list[Any]) -> bytes:
        """Format these notes, at least one."""
        columns: list[Sequence[Any]] = []
        for compute, kept in self._groups:
            found = compute(notes)
            columns += [found[number] for number in kept]
        return _encode_lines(list(map(self._line, *columns)))

    def _columns(self, server: Sequence[str]) -> Iterator[tuple[Sequence[str], Compute]]:
        """Yield names of fields, dropped or not, each with the function for their columns.

        `server` is the field that brings with it the others of a server, if any of them is kept.
        """
        # Traefik's logger adds `level`, `msg` and `time` to every line.
        yield ("level",), self._shared_column
        yield ("msg",), _at(_CONNECTION)
        yield TIMES, self._time_columns
        yield ("RequestCount",), _at(_NUMBER)
        yield ("RequestPath",), self._paths
        yield ("DownstreamContentSize",), _at(_SENT)
        yield ("OriginContentSize",), _at(_ORIGIN_SENT)
        if server:
            yield server, self._server_column
        yield IDS, lambda notes: id_columns(notes[_IDS::_SIZE])

    def _time_columns(self, notes: list[Any]) -> Columns:
        return self._times.columns(notes[_STARTED::_SIZE], notes[_SECONDS::_SIZE], notes[_TRIED::_SIZE])

    def _shared_column(self, notes: list[Any]) -> Columns:
        keys = zip(*[notes[position::_SIZE] for position in range(_CONNECTION)], strict=True)
        return (list(map(self._shared.__getitem__, keys)),)

    def _shared_value(self, key: tuple[Any, ...]) -> Raw:
        """Return the value of `level`, and the fields that requests with the same key share."""
        method, version, host, outcome, tally, headers, rare = key
        parts = [
            b'"info"',
            self._methods[version][method],
            self._hosts[host],
            self._outcomes[outcome],
            self._routes[tally],
            self.headers.kept[headers],
        ]
        if rare is not None:
            responder, grpc_status, origin_head, sent_head = rare
            parts += self._responders[responder], self._grpc_statuses[grpc_status]
            parts += self._origin.kept[origin_head], self._sent.kept[sent_head]
        return Raw(b"".join(parts))

    def _server_column(self, notes: list[Any]) -> Columns:
        return (list(map(self._servers.__getitem__, notes[_URL::_SIZE])),)

    def _paths(self, notes: list[Any]) -> Columns:
        targets = notes[_TARGET::_SIZE]
        if self._no_query:
            targets = [target.partition(b"?")[0] for target in targets]
        return (escape_all(targets, as_text),)


def _at(position: int) -> Compute:
    """Return a function for the column of the values at this position of notes."""
    return lambda notes: (notes[position::_SIZE],)


def _client_bytes(key: tuple[Any, ...]) -> int:
    """Return the size of the values that a client chooses."""
    method, _, host, _, _, headers, rare = key
    return len(method) + len(host) + len(headers) + (0 if rare is None else sum(map(len, rare[2:])))
