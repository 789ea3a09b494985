"""The access log as JSON lines with Traefik's field names; times in nanoseconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from proxy.http1.grpc_status import GRPC_STATUSES
from proxy.telemetry.escaping import as_text, escape_all
from proxy.telemetry.log_clock import ISO, Clock
from proxy.telemetry.logged_headers import BY_DEFAULT, LoggedHeaders, canonical, modes
from proxy.telemetry.protocol_versions import VERSIONS
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, FieldMode
from rondpoint.settings.tree.access_log import FIELDS

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest
    from proxy.telemetry.tracing.trace import RequestTrace

K = TypeVar("K")


_NO_USERNAME = "-"

_encode = msgspec.json.Encoder().encode

Heads = tuple[bytes, bytes]
"""Response heads: as the server sent it, and as the client got it."""

Note = tuple[
    str, bytes, float, float, float, int, int, int, bool, int, int, bytes, bytes, int, bytes, bytes,
    str, str, str, bytes, "RequestTrace | None", Heads | None, str, int,
]  # fmt: skip


class JsonFormat:
    """Format of one JSON object a line: `note` keeps a request's values, `lines` formats many notes.

    A line consists of cached parts that many lines share, without the dropped fields, and of the request's
    own values. If no field is dropped (the default), one template holds the own values.
    """

    def __init__(self, fields: AccessLogFields) -> None:
        self._dropped = tuple(name for name in FIELDS if not fields.kept(name))
        self._no_query = fields.query_parameters.default_mode is FieldMode.DROP
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)
        self._ending = Clock(ISO)
        # By default, these two headers are in every line.
        always = {
            f"request_{canonical(name)}": ""
            for name in BY_DEFAULT
            if fields.headers.default_mode is None and fields.headers.names.get(name) is not FieldMode.DROP
        }
        self.headers = LoggedHeaders(
            "request_", *modes(fields.headers), as_text, lambda found: _part(always | found)
        )
        response_modes = modes(fields.headers, request=False)
        self._origin = LoggedHeaders("origin_", *response_modes, as_text, _part)
        self._sent = LoggedHeaders("downstream_", *response_modes, as_text, _part)
        self.needs_response_heads = self._sent.wanted
        self._routers = ValueCache(self._fields(_router))
        self._services = ValueCache(self._fields(_service))
        self._servers = ValueCache(self._fields(_server))
        self._responders = ValueCache(self._fields(_responder))
        self._grpc_statuses = [f',"GrpcStatus":{number}' for number in range(GRPC_STATUSES)]
        self._hosts = ValueCache(self._fields(_host))
        self._methods = [ValueCache(self._fields(_method(version))) for version in VERSIONS]
        self._usual_outcomes = ValueCache(_usual_outcome, lambda _: 0)
        self._make = self._partial if self._dropped else self._whole

    def note(self, completed: CompletedRequest, request: Request, seconds: float, number: int) -> Note:
        """Return the values of the worker's request `number`, which took `seconds` until now."""
        tally, target, body = completed.tally, completed.target, completed.body
        first_tried_at = completed.first_tried_at
        return (
            completed.logged or self._connection(completed),
            completed.username,
            time(),
            seconds,
            monotonic() - first_tried_at if first_tried_at and target is not None else 0.0,
            completed.status,
            completed.sent,
            0 if body is None else body.received,
            completed.refused or target is None,
            completed.retries,
            number,
            request.method,
            request.target,
            request.version,
            request.host,
            request.headers,
            tally.router,
            tally.service,
            "" if target is None else target.url,
            completed.request_id,
            completed.traced,
            (completed.origin_head, completed.sent_head) if self.needs_response_heads else None,
            completed.responder,
            completed.grpc_status,
        )

    def lines(self, notes: Sequence[Note]) -> bytes:
        """Format these notes, at least one."""
        return self._make(notes).encode("utf-8", "backslashreplace")

    def _whole(self, notes: Sequence[Note]) -> str:
        utc, local, ending, usual_outcomes = self._utc, self._local, self._ending, self._usual_outcomes
        routers, services, servers, hosts = self._routers, self._services, self._servers, self._hosts
        methods, header_parts = self._methods, self.headers.kept
        lines: list[str] = []
        add = lines.append
        # Floats, because comparing a float with an integer takes longer.
        begun = over = -1.0
        start = start_local = zone = end = ""
        for note, path in zip(notes, self._paths(notes), strict=True):
            (
                connection, user, ended, seconds, origin_seconds, status, sent, received, ours, retries,
                number, method, _, version, host, headers, router, service, url, request_id, trace, heads,
                responder, grpc_status,
            ) = note  # fmt: skip
            began = ended - seconds
            if user:
                connection = _with_username(connection, user)
            if not begun <= began < begun + 1.0:
                second = int(began)
                begun = float(second)
                start, start_local, zone = utc.text(second), local.text(second), local.zone
            if not over <= ended < over + 1.0:
                second = int(ended)
                over = float(second)
                end = ending.text(second)
            # Six digits, cut from seven that begin with 1: faster than padding with zeros.
            micros = f"{int((began - begun + 1.0) * 1e6)}"[1:]
            end_micros = f"{int((ended - over + 1.0) * 1e6)}"[1:]
            duration, origin = int(seconds * 1e9), int(origin_seconds * 1e9)
            # The server's time is measured a moment later, so it may exceed the duration.
            overhead = duration - origin if duration > origin else 0
            if ours or received or retries:
                outcome = _outcome(status, 0 if ours else status, received, retries)
            else:
                outcome = usual_outcomes[status]
            # Two pieces: Python joins an f-string of more than thirty parts in a slower way.
            add(
                f'{{"RequestCount":{number}{connection},"RequestPath":"{path}"{methods[version][method]}'
                f'{hosts[host]}{outcome},"DownstreamContentSize":{sent},'
                f'"OriginContentSize":{0 if ours else sent},"Duration":{duration},'
                f'"OriginDuration":{duration - overhead},"Overhead":{overhead}'
            )
            add(
                f',"StartLocal":"{start_local}.{micros}{zone}","StartUTC":"{start}.{micros}Z"'
                f"{routers[router]}{services[service]}{servers[url]}{header_parts[headers]}"
                f"{_ids(request_id, trace) if request_id or trace is not None else ''}"
                f"{self._response_headers(heads) if heads is not None else ''}"
                f"{self._responders[responder] if responder else ''}"
                f"{self._grpc_statuses[grpc_status] if grpc_status >= 0 else ''}"
                f',"level":"info","msg":"","time":"{end}.{end_micros}Z"}}\n'
            )
        return "".join(lines)

    def _partial(self, notes: Sequence[Note]) -> str:
        return "".join(map(self._partial_line, notes))

    def _partial_line(self, note: Note) -> str:
        (
            connection, user, ended, seconds, origin_seconds, status, sent, received, ours, retries, number,
            method, target, version, host, headers, router, service, url, request_id, trace, heads, responder,
            grpc_status,
        ) = note  # fmt: skip
        if user:
            connection = _with_username(connection, user)
        duration = int(seconds * 1e9)
        origin = min(duration, int(origin_seconds * 1e9))
        path = target.partition(b"?")[0] if self._no_query else target
        line: dict[str, Any] = {
            "DownstreamContentSize": sent,
            "DownstreamStatus": status,
            "Duration": duration,
            "OriginContentSize": 0 if ours else sent,
            "OriginDuration": origin,
            "OriginStatus": 0 if ours else status,
            "Overhead": duration - origin,
            "RequestContentSize": received,
            "RequestCount": number,
            "RequestPath": as_text(path),
            "RetryAttempts": retries,
            "StartLocal": self._local.iso(ended - seconds),
            "StartUTC": self._utc.iso(ended - seconds),
        }
        if grpc_status >= 0:
            line["GrpcStatus"] = grpc_status
        if request_id:
            line["RequestId"] = as_text(request_id)
        if trace is not None:
            line["trace_id"], line["span_id"] = line["TraceId"], line["SpanId"] = trace.ids()
        for field in self._dropped:
            line.pop(field, None)
        # Traefik's logger adds these fields to every line.
        line["level"], line["msg"], line["time"] = "info", "", self._ending.iso(ended)
        return (
            f"{_encode(line).decode()[:-1]}{connection}{self._methods[version][method]}{self._hosts[host]}"
            f"{self._routers[router]}{self._services[service]}{self._servers[url]}"
            f"{self._responders[responder] if responder else ''}"
            f"{self.headers.kept[headers]}{self._response_headers(heads) if heads is not None else ''}}}\n"
        )

    def _paths(self, notes: Sequence[Note]) -> list[str]:
        targets = [note[12] for note in notes]
        if self._no_query:
            targets = [target.partition(b"?")[0] for target in targets]
        return escape_all(targets, lambda target: quoted(as_text(target))[1:-1])

    def _connection(self, completed: CompletedRequest) -> str:
        """Format the fields that all requests of a connection share; cache them on the connection."""
        peer, port, tls = completed.peer, completed.port, completed.tls
        fields = {
            "ClientAddr": f"{peer}:{port}",
            "ClientHost": peer,
            "ClientPort": str(port),
            "ClientUsername": _NO_USERNAME,
            "RequestScheme": "https" if tls else "http",
            "entryPointName": completed.entry_point,
        }
        if tls:
            fields["TLSVersion"], _, fields["TLSCipher"] = tls.partition(" ")
            if (subject := completed.client_subject) is not None:
                fields["TLSClientSubject"] = subject
        completed.logged = self._fields(lambda _: fields)("")
        return completed.logged

    def _response_headers(self, heads: Heads) -> str:
        return self._origin.kept[heads[0]] + self._sent.kept[heads[1]]

    def _fields(self, fields: Callable[[K], Mapping[str, str]]) -> Callable[[K], str]:
        """Return a function that formats the kept fields of `fields(key)`, with a leading comma."""

        def part(key: K) -> str:
            return _part({name: value for name, value in fields(key).items() if name not in self._dropped})

        return part


def _part(fields: Mapping[str, str]) -> str:
    return f",{_encode(fields).decode()[1:-1]}" if fields else ""


def _with_username(connection: str, user: bytes) -> str:
    """Return the part of a connection with the name of a request's user, unless the field is dropped."""
    return connection.replace(
        f'"ClientUsername":"{_NO_USERNAME}"', f'"ClientUsername":{quoted(as_text(user))}', 1
    )


def _router(router: str) -> dict[str, str]:
    return {"RouterName": router}


def _service(service: str) -> dict[str, str]:
    return {"ServiceName": service}


def _server(url: str) -> dict[str, str]:
    return {"ServiceAddr": url.rpartition("/")[2], "ServiceURL": url}


def _responder(middleware: str) -> dict[str, str]:
    return {"MiddlewareName": middleware}


def _host(host: bytes) -> dict[str, str]:
    whole = as_text(host)
    name, colon, port = whole.rpartition(":")
    has_port = bool(colon) and port.isdigit()
    return {
        "RequestAddr": whole,
        "RequestHost": name if has_port else whole,
        "RequestPort": port if has_port else "-",
    }


def _method(version: str) -> Callable[[bytes], dict[str, str]]:
    return lambda method: {"RequestMethod": as_text(method), "RequestProtocol": f"HTTP/{version}"}


def _outcome(status: int, origin: int, received: int, retries: int) -> str:
    return (
        f',"DownstreamStatus":{status},"OriginStatus":{origin},'
        f'"RequestContentSize":{received},"RetryAttempts":{retries}'
    )


def _usual_outcome(status: int) -> str:
    """Format the outcome of a request without a body that the first server answered."""
    return _outcome(status, status, 0, 0)


def _ids(request_id: bytes, trace: RequestTrace | None) -> str:
    """Format the ids of a request and of its trace."""
    text = ""
    if request_id:
        # Ids of ours are alphanumeric and need no escaping.
        value = f'"{request_id.decode()}"' if request_id.isalnum() else quoted(as_text(request_id))
        text = f',"RequestId":{value}'
    if trace is not None:
        trace_id, span_id = trace.ids()
        text += f',"trace_id":"{trace_id}","span_id":"{span_id}","TraceId":"{trace_id}","SpanId":"{span_id}"'
    return text
