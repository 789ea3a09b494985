"""Checks and parses request heads (RFC 9112 §2-3, §5-6).

The proxy forwards the head as bytes, from which a regular expression removes lines. That is only safe if the
expression and the parser see the same lines. So this module first refuses input that `gunicorn_h1c` would
accept: bare LF line ends, obs-fold, more than one leading empty line, a missing Host, codings other than
`chunked`.
"""

from __future__ import annotations

import re

from gunicorn_h1c import (
    InvalidHTTPVersion,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseError,
    parse_request_fast,
)
from gunicorn_h1c._parser_fast import IncompleteError
from gunicorn_h1c._parser_fast import ParseError as FastParseError

from proxy.http1.errors import RequestError
from proxy.http1.header_lines import without
from proxy.http1.limits import Limits
from proxy.http1.partial_head import EMPTY_LINE, PartialHead
from proxy.http1.protocols import kind_of

# The lines of a head (RFC 9112 §2.1, §5): none folded, none ended by a bare LF, no control characters. Nearly
# all quantifiers are possessive, so that a mismatch is found soon.
_HEAD = re.compile(rb"([^\r\n]++)\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+\r\n)*\r\n")
_KEEP_ALIVE = b"\r\nConnection: keep-alive\r\n"
# No valid name is longer (RFC 1035 §2.3.4), and values derived from clients' host names are cached.
HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)([^#]*)")
# A fragment is no part of a target. A server that removed it would see another path than the rules.
TARGET = re.compile(rb"/[!-\"$-~\x80-\xff]*")
UNDERSCORES_REFUSED = "header names with underscores are not allowed here"
_H2C = re.compile(rb"(?i)(?:^|[,\s])h2c?(?:[,\s/]|$)")
_NOT_REMOVABLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"authorization", b"cookie", b"x-real-ip")
)


class Request:
    """One request head.

    `headers` holds the header lines to forward, each with a leading CRLF, without a trailing one.
    `content_length` is -1 without a body of known length. `upgrade` is the requested protocol, or empty.
    `kind` is the protocol kind for counters.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "headers",
        "host",
        "keep_alive",
        "kind",
        "method",
        "size",
        "target",
        "upgrade",
        "version",
    )

    method: bytes
    target: bytes
    host: bytes
    version: int
    headers: bytes
    size: int
    content_length: int
    chunked: bool
    keep_alive: bool
    upgrade: bytes
    kind: int

    @property
    def has_body(self) -> bool:
        return self.content_length > 0 or self.chunked


def parse_request(data: bytes, limits: Limits) -> Request | None:
    """Parse the head at the start of `data`; return None while it is incomplete.

    The request's `size` is the length of the head in bytes, with an empty line before it. Raises RequestError
    with the status to respond.
    """
    match = _HEAD.match(data)
    if match is None:
        if data.startswith(EMPTY_LINE) and data[2:3] not in (b"", b"\r", b"\n"):
            request = parse_request(data[2:], limits)
            if request is not None:
                request.size += 2
            return request
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            raise _malformed_head_error(data[: end + 4], limits)
        PartialHead(limits).add(data)
        return None
    size = match.end()
    if size > limits.head_bytes:
        raise RequestError(431, "request head too large")
    head = data[:size]
    try:
        # Positional arguments: keyword arguments would double the cost of parsing.
        parsed = parse_request_fast(head, 0, limits.line_bytes, limits.headers, limits.head_bytes)
    except (ParseError, FastParseError, IncompleteError) as error:
        raise _parser_error(error, head, limits) from None

    request = Request()
    request.size = size
    request.method = method = parsed.method
    request.version = version = parsed.minor_version
    request.content_length = parsed.content_length
    request.chunked = parsed.has_chunked
    request.upgrade = b""
    closes = parsed.connection_close
    request.keep_alive = closes != 1 if version else closes == 0
    host = parsed.get_header("host")
    target = parsed.path
    if host is None:
        if version:
            raise RequestError(400, "a Host header is required")
        host = b""
    elif not HOST.fullmatch(host):
        raise RequestError(400, "invalid Host header")
    request.host = host
    request.target = target

    # Browsers send this line needlessly; its removal here saves a search of every line.
    headers = head[match.end(1) : -2].replace(_KEEP_ALIVE, b"\r\n", 1)[:-2]
    ended, found = limits.removed_lines.subn(b"", headers)
    request.headers = ended
    if found:
        lines = limits.removed_lines.findall(headers)
        if limits.underscores == "reject" and any(b"_" in name for name, _ in lines):
            raise RequestError(400, UNDERSCORES_REFUSED)
        _apply_connection_lines(request, lines)
    request.kind = kind_of(ended, request.upgrade)
    if not limits.targets.unchanged.fullmatch(target):
        if not TARGET.fullmatch(target):
            _use_absolute_target(request)
        request.target = limits.targets.rewrite(request.target)
    if method == b"CONNECT":
        raise RequestError(501, "CONNECT is not served")
    return request


def _malformed_head_error(head: bytes, limits: Limits) -> RequestError:
    """Return the error for a head that breaks the grammar of lines."""
    if len(head) > limits.head_bytes:
        return RequestError(431, "request head too large")
    try:
        parse_request_fast(head, 0, limits.line_bytes, limits.headers, limits.head_bytes)
    except (ParseError, FastParseError, IncompleteError) as error:
        return _parser_error(error, head, limits)
    return RequestError(400, "line ends must be CRLF, and lines must not be folded")


def _parser_error(error: Exception, head: bytes, limits: Limits) -> RequestError:
    if isinstance(error, LimitRequestLine):
        return RequestError(414, "request line too long")
    # Far above the limit, the parser has no space for the lines and raises a general error.
    if isinstance(error, LimitRequestHeaders) or head.count(b"\n") - 2 > limits.headers:
        return RequestError(431, "too many header lines")
    if isinstance(error, InvalidHTTPVersion) and re.match(rb"[^\r\n]* HTTP/[0-9](?:\.[0-9])?\r\n", head):
        return RequestError(505, "only HTTP/1.0 and HTTP/1.1 are served")
    return RequestError(400, str(error))


def _apply_connection_lines(request: Request, lines: list[tuple[bytes, bytes]]) -> None:
    """Apply the removed header lines to the request: framing, upgrade, and further lines to remove."""
    tokens: list[bytes] = []
    upgrade = b""
    codings = 0
    for name, value in lines:
        kind = name.lower()
        if kind == b"connection":
            tokens += [token.strip().lower() for token in value.split(b",")]
        elif kind == b"upgrade":
            upgrade = value.strip()
        elif kind == b"transfer-encoding":
            codings += 1
            if value.strip().lower() != b"chunked" or codings > 1:
                raise RequestError(400, "the only transfer coding served is one chunked")
    if upgrade and b"upgrade" in tokens and request.version and not _H2C.search(upgrade):
        request.upgrade = upgrade
    if b"close" in tokens:
        # RFC 9112 §9.3: `close` counts whatever else the lines say.
        request.keep_alive = False
    for token in tokens:
        # RFC 9110 §7.6.1: `Connection` names lines to remove, but a client must not remove lines that the
        # server relies on.
        if not token or token in _NOT_REMOVABLE or token.startswith(b"x-forwarded-"):
            continue
        if b"\r\n" + token + b":" in request.headers.lower():
            request.headers = without(request.headers, token)


def _use_absolute_target(request: Request) -> None:
    """Replace Host by the host of an absolute target, and the target by its origin-form (RFC 9112 §3.2.2)."""
    match = _ABSOLUTE.fullmatch(request.target)
    if match is None or not HOST.fullmatch(match[1]):
        if request.method == b"CONNECT":
            return
        raise RequestError(400, "the request target must be a path or an http URL")
    request.host = match[1]
    target = match[2]
    request.target = target if target.startswith(b"/") else b"/" + target
    if not TARGET.fullmatch(request.target):
        raise RequestError(400, "invalid request target")
    request.headers = b"\r\nHost: " + request.host + without(request.headers, b"host")
