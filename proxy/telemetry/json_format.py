"""A line of the access log as JSON, under Traefik's names: times in nanoseconds, sizes in bytes."""

from __future__ import annotations

from json.encoder import encode_basestring as quoted
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from proxy.telemetry.clock import ISO, Clock
from proxy.telemetry.escaping import as_text
from proxy.telemetry.logged_headers import BY_DEFAULT, LoggedHeaders, canonical, modes
from rondpoint.settings import AccessLogFields, Mode
from rondpoint.settings.tree.access_log import FIELDS

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.answered import Answered

KEPT = 500
"""Of each kind of repeating part, how many are kept as they stand in a line."""

LARGEST = 2048
"""Bytes of a request's method, host and headers that are kept."""

_VERSIONS = ("HTTP/1.0", "HTTP/1.1")


class JsonFormat:
    """`write` gives the line of a request.

    Where every field is kept, as by default, a line is put together from parts that are the same in many of
    them; otherwise it is made of all fields less those dropped.
    """

    def __init__(self, fields: AccessLogFields) -> None:
        self._dropped = tuple(name for name in FIELDS if not fields.kept(name))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)
        self._ending = Clock(ISO)
        self._encode = msgspec.json.Encoder().encode
        self.headers = LoggedHeaders("request_", *modes(fields.headers), as_text)
        # Unless something else is asked for, these two have their place in every line.
        self._always = {
            f"request_{canonical(name)}": ""
            for name in BY_DEFAULT
            if fields.headers.default_mode is None and fields.headers.names.get(name) is not Mode.DROP
        }
        answer = modes(fields.headers, request=False)
        self._origin = LoggedHeaders("origin_", *answer, as_text)
        self._sent = LoggedHeaders("downstream_", *answer, as_text)
        self.of_responses = self._sent.wanted
        self._parts: dict[object, str] = {}
        whole = not (self._dropped or self.of_responses)
        self.write = self._put_together if whole else self._made

    def _put_together(
        self, answered: Answered, request: Request, seconds: float, number: int, began: float
    ) -> str:
        parts = self._parts
        tally, target = answered.tally, answered.target
        url = "" if target is None else target.url
        try:
            of_route = parts[tally.router, tally.service, url, answered.entry_point]
            of_request = parts[request.method, request.version, request.host, request.headers]
        except KeyError:
            of_route, of_request = self._remember(answered, request, url)
        duration = int(seconds * 1e9)
        asked_at = answered.asked_at
        origin = int((monotonic() - asked_at) * 1e9) if asked_at else 0
        overhead = duration - origin if duration > origin else 0
        sent, status = answered.sent, answered.status
        size, of_origin = (0, 0) if answered.refused or target is None else (sent, status)
        peer, port = answered.peer, answered.port
        body = answered.body
        path = request.target.partition(b"?")[0] if self._no_query else request.target
        line = (
            f'{{"ClientAddr":"{peer}:{port}","ClientHost":"{peer}","ClientPort":"{port}",'
            f'"DownstreamContentSize":{sent},"DownstreamStatus":{status},"Duration":{duration},'
            f'"OriginContentSize":{size},"OriginDuration":{origin},"OriginStatus":{of_origin},'
            f'"Overhead":{overhead},"RequestContentSize":{0 if body is None else body.received},'
            f'"RequestCount":{number},"RequestPath":{quoted(as_text(path))},'
            f'"RetryAttempts":{answered.retries},"StartLocal":"{self._local.iso(began)}",'
            f'"StartUTC":"{self._utc.iso(began)}",{of_route},{of_request}'
        )
        tls = answered.tls
        if tls:
            version, _, cipher = tls.partition(" ")
            line += f',"RequestScheme":"https","TLSVersion":"{version}","TLSCipher":"{cipher}"'
        else:
            line += ',"RequestScheme":"http"'
        if answered.request_id:
            line += f',"RequestId":{quoted(as_text(answered.request_id))}'
        trace = answered.traced
        if trace is not None:
            whole, span = trace.trace_id, trace.span_id
            line += f',"trace_id":"{whole}","span_id":"{span}","TraceId":"{whole}","SpanId":"{span}"'
        return f'{line},"level":"info","msg":"","time":"{self._ending.iso(began + seconds)}"}}\n'

    def _remember(self, answered: Answered, request: Request, url: str) -> tuple[str, str]:
        """The part that tells of router and server, and the one that tells of method, host and headers."""
        if len(self._parts) >= 2 * KEPT:
            self._parts.clear()
        tally = answered.tally
        of_route = self._part(_route_fields(tally.router, tally.service, url, answered.entry_point))
        fields = _request_fields(request)
        of_request = self._part(fields | self._always | self.headers.read(request.headers))
        self._parts[tally.router, tally.service, url, answered.entry_point] = of_route
        if len(request.headers) + len(request.host) + len(request.method) <= LARGEST:
            self._parts[request.method, request.version, request.host, request.headers] = of_request
        return of_route, of_request

    def _part(self, fields: dict[str, str]) -> str:
        return self._encode(fields).decode()[1:-1]

    def _made(self, answered: Answered, request: Request, seconds: float, number: int, began: float) -> str:
        tally, target = answered.tally, answered.target
        url = "" if target is None else target.url
        duration = int(seconds * 1e9)
        asked_at = answered.asked_at
        origin_duration = int((monotonic() - asked_at) * 1e9) if asked_at else 0
        ours = answered.refused or target is None
        path = request.target.partition(b"?")[0] if self._no_query else request.target
        tls = answered.tls
        line: dict[str, Any] = {
            "ClientAddr": f"{answered.peer}:{answered.port}",
            "ClientHost": answered.peer,
            "ClientPort": str(answered.port),
            "DownstreamContentSize": answered.sent,
            "DownstreamStatus": answered.status,
            "Duration": duration,
            "OriginContentSize": 0 if ours else answered.sent,
            "OriginDuration": origin_duration,
            "OriginStatus": 0 if ours else answered.status,
            "Overhead": max(0, duration - origin_duration),
            "RequestContentSize": 0 if answered.body is None else answered.body.received,
            "RequestCount": number,
            "RequestPath": as_text(path),
            "RequestScheme": "https" if tls else "http",
            "RetryAttempts": answered.retries,
            "StartLocal": self._local.iso(began),
            "StartUTC": self._utc.iso(began),
            **_route_fields(tally.router, tally.service, url, answered.entry_point),
            **_request_fields(request),
        }
        if tls:
            line["TLSVersion"], _, line["TLSCipher"] = tls.partition(" ")
        if answered.request_id:
            line["RequestId"] = as_text(answered.request_id)
        trace = answered.traced
        if trace is not None:
            line["trace_id"] = line["TraceId"] = trace.trace_id
            line["span_id"] = line["SpanId"] = trace.span_id
        for field in self._dropped:
            line.pop(field, None)
        line.update(self._always)
        line.update(self.headers.read(request.headers))
        if self.of_responses:
            line.update(self._origin.read(answered.origin_head))
            line.update(self._sent.read(answered.sent_head))
        # What Traefik's logger adds to every line.
        line["level"], line["msg"], line["time"] = "info", "", self._utc.iso(began + seconds)
        return self._encode(line).decode() + "\n"


def _route_fields(router: str, service: str, url: str, entry_point: str) -> dict[str, str]:
    return {
        "RouterName": router,
        "ServiceAddr": url.rpartition("/")[2],
        "ServiceName": service,
        "ServiceURL": url,
        "entryPointName": entry_point,
    }


def _request_fields(request: Request) -> dict[str, str]:
    host = as_text(request.host)
    name, colon, port = host.rpartition(":")
    has_port = bool(colon) and port.isdigit()
    return {
        "ClientUsername": "-",
        "RequestAddr": host,
        "RequestHost": name if has_port else host,
        "RequestMethod": as_text(request.method),
        "RequestPort": port if has_port else "-",
        "RequestProtocol": _VERSIONS[request.version],
    }
