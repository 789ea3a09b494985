"""Cross-origin requests (CORS) of gRPC-Web clients, with the responses that Traefik's library gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from proxy.http1.header_lines import first_value, with_value

if TYPE_CHECKING:
    from proxy.http1.request import Request

MAX_AGE = 600
"""Seconds for which browsers remember a preflight."""

Allows = Callable[[bytes], bool]
"""Returns whether requests of an origin are allowed."""

_PREFLIGHT_VARY = (
    b"\r\nVary: Origin\r\nVary: Access-Control-Request-Method\r\nVary: Access-Control-Request-Headers"
)
_METHODS = frozenset((b"GET", b"HEAD", b"POST"))
_NAMES = re.compile(rb"\r\n([^:\r\n]+):")


def compile_origins(origins: Sequence[str]) -> Allows:
    """Return a function that allows these origins; `*` stands for any."""
    exact = frozenset(origin.encode() for origin in origins)
    if b"*" in exact:
        return bool
    return exact.__contains__


def is_preflight(request: Request) -> bool:
    """Return whether a browser asks, before a gRPC-Web request, if it may send it."""
    if request.method != b"OPTIONS" or not first_value(request.headers, b"access-control-request-method"):
        return False
    return b"x-grpc-web" in first_value(request.headers, b"access-control-request-headers").lower()


def preflight_lines(request: Request, allows: Allows) -> bytes:
    """Return the header lines of the response to a preflight; without any that allow, it is refused."""
    origin = first_value(request.headers, b"origin")
    method = first_value(request.headers, b"access-control-request-method").upper()
    if not (origin and method in _METHODS and allows(origin)):
        return _PREFLIGHT_VARY
    asked = first_value(request.headers, b"access-control-request-headers")
    headers = b", ".join(map(_canonical, asked.replace(b",", b" ").split()))
    return _PREFLIGHT_VARY + (
        b"\r\nAccess-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Methods: %b"
        b"\r\nAccess-Control-Allow-Headers: %b\r\nAccess-Control-Allow-Credentials: true"
        b"\r\nAccess-Control-Max-Age: %d" % (origin, method, headers, MAX_AGE)
    )


def allow_origin(lines: bytes, origin: bytes, allows: Allows) -> bytes:
    """Return the lines of a response with those by which the origin's script may read it."""
    lines += b"\r\nVary: Origin"
    if origin and allows(origin):
        lines = with_value(lines, b"Access-Control-Allow-Origin", origin)
        lines = with_value(lines, b"Access-Control-Allow-Credentials", b"true")
    names = dict.fromkeys(name.lower() for name in _NAMES.findall(lines))
    exposed = (*names, *(name for name in (b"grpc-status", b"grpc-message") if name not in names))
    return with_value(lines, b"Access-Control-Expose-Headers", b", ".join(exposed))


def _canonical(name: bytes) -> bytes:
    return b"-".join(part.capitalize() for part in name.split(b"-"))
