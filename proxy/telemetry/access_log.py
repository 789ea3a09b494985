"""The access log: one line for each request, in the Common Log Format as Traefik extends it, or as JSON.

What a client sends stands in these lines, so it is escaped: nothing of it can end a line or a field.
"""

from __future__ import annotations

import re
from time import gmtime, strftime, time
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct, field

from proxy.http1.request import Request
from proxy.telemetry.lines import Lines
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import AccessLogFormat

if TYPE_CHECKING:
    from proxy.telemetry.tallies import Tally
    from proxy.upstream.endpoint import Target

_NAMED = re.compile(rb"\r\n(?i:(referer)|user-agent):[ \t]*([^\r\n]*)")
_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 256))},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
_VERSIONS = ("HTTP/1.0", "HTTP/1.1")
_CLOCK = ("%d/%b/%Y:%H:%M:%S +0000", "%Y-%m-%dT%H:%M:%S")
_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}

_KEPT = 500
"""Sets of headers, of up to _KEPT_BYTES each, whose part of a line is kept."""
_KEPT_BYTES = 2048


class Answered(Protocol):
    """Who asked, and what became of it; `target` is the server asked last, if one was.

    `refused` tells that the answer is ours and not that server's.
    """

    peer: str
    port: int
    entry_point: str
    tally: Tally
    target: Target | None
    status: int
    sent: int
    refused: bool


class Line(Struct, rename="pascal"):
    """A line of the JSON form, under Traefik's names; `Duration` in nanoseconds, sizes in bytes."""

    client_addr: str
    client_host: str
    client_port: str
    downstream_content_size: int
    downstream_status: int
    duration: int
    origin_status: int
    request_addr: str
    request_count: int
    request_host: str
    request_method: str
    request_path: str
    request_protocol: str
    router_name: str
    service_addr: str
    service_name: str
    service_url: str = field(name="ServiceURL")
    start_utc: str = field(name="StartUTC")
    entry_point: str = field(name="entryPointName")
    referer: str = field(name="request_Referer")
    user_agent: str = field(name="request_User-Agent")
    request_scheme: str = "http"


class AccessLog:
    """Formats what was answered, and gives it to `lines`."""

    def __init__(self, options: Options, lines: Lines) -> None:
        self.lines = lines
        self._write = lines.add
        self._named: dict[bytes, tuple[str, str]] = {}
        self._statuses = options.filters.status_codes
        self._least = options.filters.min_duration
        self._chosen = bool(self._statuses or self._least)
        self._json = options.format is AccessLogFormat.JSON
        self._encode = msgspec.json.Encoder().encode
        self._second = 0
        self._clock = ""

    def add(self, answered: Answered, request: Request, seconds: float, number: int) -> None:
        """Log the answer to the worker's request `number`, which took `seconds` until now."""
        if self._chosen and not (
            answered.status in self._statuses or (self._least and seconds >= self._least)
        ):
            return
        started = time() - seconds
        second = int(started)
        if second != self._second:
            self._second = second
            self._clock = strftime(_CLOCK[self._json], gmtime(second))
        headers = request.headers
        referer, agent = self._named.get(headers) or self._names(headers)
        if self._json:
            self._add_json(answered, request, seconds, number, started - second, referer, agent)
            return
        method = _METHODS.get(request.method) or escaped(request.method)
        target = answered.target
        self._write(
            f"{answered.peer} - - [{self._clock}] "
            f'"{method} {escaped(request.target)} HTTP/1.{request.version}" '
            f'{answered.status} {answered.sent} "{referer}" "{agent}" {number} '
            f'"{answered.tally.router or "-"}" "{"-" if target is None else target.url}" '
            f"{int(seconds * 1000)}ms\n"
        )

    def _names(self, headers: bytes) -> tuple[str, str]:
        """Referer and User-Agent as they stand in a line; kept, since a client says much the same again."""
        referer = agent = b"" if self._json else b"-"
        for is_referer, value in _NAMED.findall(headers):
            if is_referer:
                referer = value
            else:
                agent = value
        named = (_text(referer), _text(agent)) if self._json else (escaped(referer), escaped(agent))
        if len(headers) <= _KEPT_BYTES:
            if len(self._named) >= _KEPT:
                self._named.clear()
            self._named[headers] = named
        return named

    def add_malformed(self, answered: Answered, status: int, number: int) -> None:
        """Log a refusal of what was no request."""
        answered.status, answered.sent, answered.refused = status, 0, True
        self.add(answered, _MALFORMED, 0.0, number)

    def _add_json(
        self,
        answered: Answered,
        request: Request,
        seconds: float,
        number: int,
        fraction: float,
        referer: str,
        agent: str,
    ) -> None:
        tally, target = answered.tally, answered.target
        host = _text(request.host)
        name, _, port = host.rpartition(":")
        url = "" if target is None else target.url
        line = Line(
            f"{answered.peer}:{answered.port}",
            answered.peer,
            str(answered.port),
            answered.sent,
            answered.status,
            int(seconds * 1e9),
            0 if answered.refused or target is None else answered.status,
            host,
            number,
            name if port.isdigit() else host,
            _text(request.method),
            _text(request.target),
            _VERSIONS[request.version],
            tally.router,
            url.rpartition("/")[2],
            tally.service,
            url,
            f"{self._clock}.{int(fraction * 1e6):06d}Z",
            answered.entry_point,
            referer,
            agent,
        )
        self._write(self._encode(line).decode() + "\n")


def escaped(value: bytes) -> str:
    """Text that can stand between quotes: quotes, backslashes, control and non-ASCII bytes are escaped."""
    text = value.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _malformed() -> Request:
    request = Request()
    request.method = request.target = b"-"
    request.host = request.headers = b""
    request.version = 1
    return request


_MALFORMED = _malformed()
