"""Cross-origin requests (CORS): the accessControl options of the middleware headers, as in Traefik 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import re2

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.header_lines import first_value, header_line, values_of, with_value
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.step import Client, Step
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from rondpoint.rules.patterns import options as pattern_options

if TYPE_CHECKING:
    from proxy.http1.request import Request

_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_ALLOW_ORIGIN_LINE = b"\r\n%b: " % _ALLOW_ORIGIN.encode()
_LISTS = (
    *("accessControlAllowHeaders", "accessControlAllowMethods", "accessControlAllowOriginList"),
    *("accessControlAllowOriginListRegex", "accessControlExposeHeaders"),
)

AllowedOrigin = Callable[[bytes], bytes]
"""Returns the value of Access-Control-Allow-Origin for an origin, or for none; empty if it is not allowed."""


def compile_cross_origin(options: Mapping[str, Any]) -> Step | None:
    """Return a step that responds to preflights and allows origins; None without any of the options.

    Raises ValueError for values that no header may contain.
    """
    used = options["accessControlAllowCredentials"] or options["addVaryHeader"]
    if not (used or "accessControlMaxAge" in options or any(options[name] for name in _LISTS)):
        return None
    allowed_origin = _compile_origins(options)
    preflight = _compile_preflight(options, allowed_origin)
    change = _compile_change(options, allowed_origin)

    def step(request: Request, client: Client) -> None:
        origin = first_value(request.headers, b"origin")
        if request.method == b"OPTIONS" and origin:
            method = first_value(request.headers, b"access-control-request-method")
            if method:
                raise LocalResponse(200, preflight(request, origin, method))
        extras_of(client).at_response(lambda head: change(head, origin))

    return step


def _compile_origins(options: Mapping[str, Any]) -> AllowedOrigin:
    """Compile the allowed origins. Raises ValueError for an invalid regular expression."""
    listed = [item.encode() for item in options["accessControlAllowOriginList"]]
    any_origin = b"*" in listed
    exact = frozenset(listed[: listed.index(b"*")] if any_origin else listed)
    credentials = options["accessControlAllowCredentials"]
    try:
        patterns = [
            re2.compile(text.encode(), pattern_options())
            for text in options["accessControlAllowOriginListRegex"]
        ]
    except re2.error as error:
        raise ValueError(f"accessControlAllowOriginListRegex is no regular expression: {error}") from None

    def allowed_origin(origin: bytes) -> bytes:
        if any_origin and (not credentials) and origin not in exact:
            return b"*"
        if not origin:
            return b""
        if any_origin or origin in exact or any(pattern.search(origin) for pattern in patterns):
            return origin
        return b""

    return allowed_origin


def _compile_preflight(
    options: Mapping[str, Any], allowed_origin: AllowedOrigin
) -> Callable[[Request, bytes, bytes], bytes]:
    """Return a function that returns the header lines of the response to a preflight."""
    credentials = options["accessControlAllowCredentials"]
    headers, methods = options["accessControlAllowHeaders"], options["accessControlAllowMethods"]
    # In responses to requests with credentials, browsers take `*` literally.
    repeats_headers = credentials and "*" in headers
    repeats_method = credentials and "*" in methods
    values = _common_values(options)
    if headers and not repeats_headers:
        values["Access-Control-Allow-Headers"] = ",".join(headers)
    if methods and not repeats_method:
        values["Access-Control-Allow-Methods"] = ",".join(methods)
    if "accessControlMaxAge" in options:
        values["Access-Control-Max-Age"] = str(options["accessControlMaxAge"])
    constant = b"".join(header_line(name, value) for name, value in values.items())

    def lines(request: Request, origin: bytes, method: bytes) -> bytes:
        found = constant
        if repeats_method:
            found += b"\r\nAccess-Control-Allow-Methods: " + method
        if repeats_headers:
            requested = first_value(request.headers, b"access-control-request-headers")
            if requested:
                found += b"\r\nAccess-Control-Allow-Headers: " + requested
        allowed = allowed_origin(origin)
        return found + _ALLOW_ORIGIN_LINE + allowed if allowed else found

    return lines


def _compile_change(
    options: Mapping[str, Any], allowed_origin: AllowedOrigin
) -> Callable[[ResponseHead, bytes], None]:
    """Return a function that changes the response to a request of an origin."""
    values = _common_values(options)
    changes = HeaderChanges(values) if values else None
    changes_of_allowed = HeaderChanges({**values, _ALLOW_ORIGIN: ""})
    adds_vary = options["addVaryHeader"]

    def change(head: ResponseHead, origin: bytes) -> None:
        allowed = allowed_origin(origin)
        if allowed:
            head.lines = changes_of_allowed.apply(head.lines) + _ALLOW_ORIGIN_LINE + allowed
        elif changes is not None:
            head.lines = changes.apply(head.lines)
        if adds_vary:
            head.lines = _with_vary(head.lines)

    return change


def _common_values(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of both preflights and other responses."""
    credentials, exposed = options["accessControlAllowCredentials"], options["accessControlExposeHeaders"]
    found = {"Access-Control-Allow-Credentials": "true"} if credentials else {}
    if exposed and not (credentials and "*" in exposed):
        found["Access-Control-Expose-Headers"] = ",".join(exposed)
    return found


def _with_vary(lines: bytes) -> bytes:
    values = values_of(lines, b"vary")
    if not values:
        return lines + b"\r\nVary: Origin"
    names = [name.strip().lower() for value in values for name in value.split(b",")]
    if b"origin" in names or b"*" in names:
        return lines
    return with_value(lines, b"Vary", b",".join([*values, b"Origin"]))
