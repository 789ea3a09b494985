"""A line of the access log as JSON, under Traefik's names: times in nanoseconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from proxy.telemetry.escaping import as_text, escape_all
from proxy.telemetry.log_clock import ISO, Clock
from proxy.telemetry.logged_headers import BY_DEFAULT, LoggedHeaders, canonical, modes
from proxy.telemetry.value_cache import ValueCache
from rondpoint.settings import AccessLogFields, Mode
from rondpoint.settings.tree.access_log import FIELDS

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import CompletedRequest
    from proxy.telemetry.tracing.trace import RequestTrace

K = TypeVar("K")

_VERSIONS = ("HTTP/1.0", "HTTP/1.1")

_encode = msgspec.json.Encoder().encode

Heads = tuple[bytes, bytes]
"""Of a response, as it came and as it was sent."""

Note = tuple[
    str, float, float, float, int, int, int, bool, int, int, bytes, bytes, int, bytes, bytes,
    str, str, str, bytes, "Part | None", Heads | None,
]  # fmt: skip


class JsonFormat:
    """`note` keeps what the line of a request has to say, and `lines` says it of many.

    A line is put together from parts that are the same in many of them, less the fields that are dropped,
    and from what is each request's own: written as it is where nothing of that is dropped, as by default.
    """

    def __init__(self, fields: AccessLogFields) -> None:
        self._dropped = tuple(name for name in FIELDS if not fields.kept(name))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)
        self._ending = Clock(ISO)
        # Unless something else is asked for, these two have their place in every line.
        always = {
            f"request_{canonical(name)}": ""
            for name in BY_DEFAULT
            if fields.headers.default_mode is None and fields.headers.names.get(name) is not Mode.DROP
        }
        self.headers = LoggedHeaders(
            "request_", *modes(fields.headers), as_text, lambda found: _part(always | found)
        )
        answer = modes(fields.headers, request=False)
        self._origin = LoggedHeaders("origin_", *answer, as_text, _part)
        self._sent = LoggedHeaders("downstream_", *answer, as_text, _part)
        self.needs_response_heads = self._sent.wanted
        self._routers = ValueCache(self._fields(_router))
        self._services = ValueCache(self._fields(_service))
        self._servers = ValueCache(self._fields(_server))
        self._hosts = ValueCache(self._fields(_host))
        self._methods = [ValueCache(self._fields(_method(version))) for version in _VERSIONS]
        self._usual = ValueCache(_usual, lambda _: 0)
        self._make = self._partial if self._dropped else self._whole

    def note(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> Note:
        """At the end of the request `number`, which took `seconds`."""
        tally, target, body = answered.tally, answered.target, answered.body
        asked_at = answered.asked_at
        return (
            answered.logged or self._connection(answered),
            time(),
            seconds,
            monotonic() - asked_at if asked_at and target is not None else 0.0,
            answered.status,
            answered.sent,
            0 if body is None else body.received,
            answered.refused or target is None,
            answered.retries,
            number,
            request.method,
            request.target,
            request.version,
            request.host,
            request.headers,
            tally.router,
            tally.service,
            "" if target is None else target.url,
            answered.request_id,
            answered.traced,
            (answered.origin_head, answered.sent_head) if self.needs_response_heads else None,
        )

    def lines(self, notes: Sequence[Note]) -> bytes:
        """The lines of these notes, at least one."""
        return self._make(notes).encode("utf-8", "backslashreplace")

    def _whole(self, notes: Sequence[Note]) -> str:
        utc, local, ending, usual = self._utc, self._local, self._ending, self._usual
        routers, services, servers, hosts = self._routers, self._services, self._servers, self._hosts
        methods, of_headers = self._methods, self.headers.kept
        lines: list[str] = []
        add = lines.append
        # Floats, since to compare one with an integer takes longer.
        begun = over = -1.0
        start = start_local = zone = end = ""
        for note, path in zip(notes, self._paths(notes), strict=True):
            (
                connection, ended, seconds, asked, status, sent, received, ours, retries, number,
                method, _, version, host, headers, router, service, url, request_id, trace, heads,
            ) = note  # fmt: skip
            began = ended - seconds
            if not begun <= began < begun + 1.0:
                second = int(began)
                begun = float(second)
                start, start_local, zone = utc.text(second), local.text(second), local.zone
            if not over <= ended < over + 1.0:
                second = int(ended)
                over = float(second)
                end = ending.text(second)
            # Six digits: with a one before them, which is quicker than to have them filled up.
            micros = f"{int((began - begun + 1.0) * 1e6)}"[1:]
            end_micros = f"{int((ended - over + 1.0) * 1e6)}"[1:]
            duration, origin = int(seconds * 1e9), int(asked * 1e9)
            # For the server's part, the clock is looked at a moment later.
            overhead = duration - origin if duration > origin else 0
            if ours or received or retries:
                outcome = _outcome(status, 0 if ours else status, received, retries)
            else:
                outcome = usual[status]
            # In two pieces: what has more than thirty parts is put together in a slower way.
            add(
                f'{{"RequestCount":{number}{connection},"RequestPath":"{path}"{methods[version][method]}'
                f'{hosts[host]}{outcome},"DownstreamContentSize":{sent},'
                f'"OriginContentSize":{0 if ours else sent},"Duration":{duration},'
                f'"OriginDuration":{duration - overhead},"Overhead":{overhead}'
            )
            add(
                f',"StartLocal":"{start_local}.{micros}{zone}","StartUTC":"{start}.{micros}Z"'
                f"{routers[router]}{services[service]}{servers[url]}{of_headers[headers]}"
                f"{_names(request_id, trace) if request_id or trace is not None else ''}"
                f"{self._answers(heads) if heads is not None else ''}"
                f',"level":"info","msg":"","time":"{end}.{end_micros}Z"}}\n'
            )
        return "".join(lines)

    def _partial(self, notes: Sequence[Note]) -> str:
        return "".join(map(self._without_dropped, notes))

    def _without_dropped(self, note: Note) -> str:
        (
            connection, ended, seconds, asked, status, sent, received, ours, retries, number,
            method, target, version, host, headers, router, service, url, request_id, trace, heads,
        ) = note  # fmt: skip
        duration = int(seconds * 1e9)
        origin = min(duration, int(asked * 1e9))
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
        if request_id:
            line["RequestId"] = as_text(request_id)
        if trace is not None:
            line["trace_id"], line["span_id"] = line["TraceId"], line["SpanId"] = trace.ids()
        for field in self._dropped:
            line.pop(field, None)
        # What Traefik's logger adds to every line.
        line["level"], line["msg"], line["time"] = "info", "", self._ending.iso(ended)
        return (
            f"{_encode(line).decode()[:-1]}{connection}{self._methods[version][method]}{self._hosts[host]}"
            f"{self._routers[router]}{self._services[service]}{self._servers[url]}"
            f"{self.headers.kept[headers]}{self._answers(heads) if heads is not None else ''}}}\n"
        )

    def _paths(self, notes: Sequence[Note]) -> list[str]:
        targets = [note[11] for note in notes]
        if self._no_query:
            targets = [target.partition(b"?")[0] for target in targets]
        return escape_all(targets, lambda target: quoted(as_text(target))[1:-1])

    def _connection(self, answered: CompletedRequest) -> str:
        """What is the same for all requests of a connection, which keeps it for the next ones."""
        peer, port, tls = answered.peer, answered.port, answered.tls
        fields = {
            "ClientAddr": f"{peer}:{port}",
            "ClientHost": peer,
            "ClientPort": str(port),
            "ClientUsername": "-",
            "RequestScheme": "https" if tls else "http",
            "entryPointName": answered.entry_point,
        }
        if tls:
            fields["TLSVersion"], _, fields["TLSCipher"] = tls.partition(" ")
        answered.logged = self._fields(lambda _: fields)("")
        return answered.logged

    def _answers(self, heads: Heads) -> str:
        return self._origin.kept[heads[0]] + self._sent.kept[heads[1]]

    def _fields(self, fields: Callable[[K], Mapping[str, str]]) -> Callable[[K], str]:
        """A part of a line, with a leading comma, of what `fields` gives, less what is dropped."""

        def part(key: K) -> str:
            return _part({name: value for name, value in fields(key).items() if name not in self._dropped})

        return part


def _part(fields: Mapping[str, str]) -> str:
    return f",{_encode(fields).decode()[1:-1]}" if fields else ""


def _router(router: str) -> dict[str, str]:
    return {"RouterName": router}


def _service(service: str) -> dict[str, str]:
    return {"ServiceName": service}


def _server(url: str) -> dict[str, str]:
    return {"ServiceAddr": url.rpartition("/")[2], "ServiceURL": url}


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
    return lambda method: {"RequestMethod": as_text(method), "RequestProtocol": version}


def _outcome(status: int, origin: int, received: int, retries: int) -> str:
    return (
        f',"DownstreamStatus":{status},"OriginStatus":{origin},'
        f'"RequestContentSize":{received},"RetryAttempts":{retries}'
    )


def _usual(status: int) -> str:
    """A server's answer to a request without a body."""
    return _outcome(status, status, 0, 0)


def _names(request_id: bytes, trace: RequestTrace | None) -> str:
    """The ids of a request and of its trace."""
    text = ""
    if request_id:
        # One of ours always is, and needs no second look.
        name = f'"{request_id.decode()}"' if request_id.isalnum() else quoted(as_text(request_id))
        text = f',"RequestId":{name}'
    if trace is not None:
        whole, span = trace.ids()
        text += f',"trace_id":"{whole}","span_id":"{span}","TraceId":"{whole}","SpanId":"{span}"'
    return text
