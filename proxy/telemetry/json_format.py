"""A line of the access log as JSON, under Traefik's names: times in nanoseconds, sizes in bytes."""

from __future__ import annotations

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

_VERSIONS = ("HTTP/1.0", "HTTP/1.1")


class JsonFormat:
    """`write` gives the line of a request."""

    def __init__(self, fields: AccessLogFields) -> None:
        self._dropped = tuple(name for name in FIELDS if not fields.kept(name))
        self._no_query = fields.query_parameters.default_mode is Mode.DROP
        self._utc = Clock(ISO)
        self._local = Clock(ISO, local=True)
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

    def write(self, answered: Answered, request: Request, seconds: float, number: int, began: float) -> str:
        tally, target = answered.tally, answered.target
        host = as_text(request.host)
        name, colon, port = host.rpartition(":")
        has_port = bool(colon) and port.isdigit()
        url = "" if target is None else target.url
        duration = int(seconds * 1e9)
        asked_at = answered.asked_at
        origin_duration = int((monotonic() - asked_at) * 1e9) if asked_at else 0
        ours = answered.refused or target is None
        path = request.target.partition(b"?")[0] if self._no_query else request.target
        start = self._utc.iso(began)
        tls = answered.tls
        line: dict[str, Any] = {
            "ClientAddr": f"{answered.peer}:{answered.port}",
            "ClientHost": answered.peer,
            "ClientPort": str(answered.port),
            "ClientUsername": "-",
            "DownstreamContentSize": answered.sent,
            "DownstreamStatus": answered.status,
            "Duration": duration,
            "OriginContentSize": 0 if ours else answered.sent,
            "OriginDuration": origin_duration,
            "OriginStatus": 0 if ours else answered.status,
            "Overhead": max(0, duration - origin_duration),
            "RequestAddr": host,
            "RequestContentSize": 0 if answered.body is None else answered.body.received,
            "RequestCount": number,
            "RequestHost": name if has_port else host,
            "RequestMethod": as_text(request.method),
            "RequestPath": as_text(path),
            "RequestPort": port if has_port else "-",
            "RequestProtocol": _VERSIONS[request.version],
            "RequestScheme": "https" if tls else "http",
            "RetryAttempts": answered.retries,
            "RouterName": tally.router,
            "ServiceAddr": url.rpartition("/")[2],
            "ServiceName": tally.service,
            "ServiceURL": url,
            "StartLocal": self._local.iso(began),
            "StartUTC": start,
            "entryPointName": answered.entry_point,
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
