"""Parses response heads from servers: the lines to forward, and the framing of the body (RFC 9112 §4, §6.3).

Line ends of a bare LF are common in CGI programs. Such heads are rewritten with CRLF, as RFC 9112 §2.2
allows, so that the client sees exactly the lines that were parsed here.
"""

from __future__ import annotations

import re

from proxy.http1.errors import ResponseError
from proxy.http1.header_lines import without

# The whole head: status line, then field lines (RFC 9112 §4, §5), nothing folded, no control characters.
# Nearly all quantifiers are possessive, so that a mismatch is found soon.
_HEAD = re.compile(
    rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: [\t -~\x80-\xff]*+)?\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+\r\n)*\r\n"
)
_FRAMING = re.compile(
    rb"\r\n((?i:connection|keep-alive|proxy-connection|transfer-encoding|content-length|upgrade))"
    rb":[ \t]*([^\r\n]*)"
)
_REMOVED_LINES = re.compile(
    rb"\r\n(?i:connection|keep-alive|proxy-connection|transfer-encoding|upgrade):[^\r\n]*"
)
_LOOSE_END = re.compile(rb"\r?\n\r?\n")
_DIGITS = re.compile(rb"[0-9]{1,18}")


class Response:
    """One response head; equal heads share one object, so it is not changed after parsing.

    `head` is the status line and the header lines to forward, without the final CRLF pair. `length` is the
    length of the body: a number of bytes, CHUNKED, or UNTIL_CLOSE.
    """

    __slots__ = ("head", "keep_alive", "length", "size", "status", "upgrade")

    head: bytes
    size: int
    status: int
    length: int
    keep_alive: bool
    upgrade: bytes


CHUNKED = -2
UNTIL_CLOSE = -1


def parse_response(data: bytes, method: bytes, limit: int) -> Response | None:
    """Parse the head at the start of `data`, the response to `method`; return None while it is incomplete.

    Raises ResponseError for a head that is malformed, contradictory, or longer than `limit` bytes.
    """
    match = _HEAD.match(data)
    if match is None:
        return _parse_unusual(data, method, limit)
    size = match.end()
    if size > limit:
        raise ResponseError("response head too large")
    response = Response()
    response.size = size
    response.status = status = int(match[2])
    minor = match[1]
    response.keep_alive = minor == b"1"
    response.upgrade = b""
    head = data[: size - 4]
    length = UNTIL_CLOSE
    tokens: list[bytes] = []
    removes_lines = False
    for name, value in _FRAMING.findall(head):
        kind = name.lower()
        if kind == b"content-length":
            length = _content_length(value, length)
            continue
        removes_lines = True
        if kind == b"transfer-encoding":
            if value.strip().lower() != b"chunked" or length != UNTIL_CLOSE:
                raise ResponseError("transfer coding other than one chunked, or with a length")
            length = CHUNKED
        elif kind == b"connection":
            lowered = value.lower()
            # Many servers send this needlessly; it needs no parsing.
            if lowered != b"keep-alive" or minor != b"1":
                tokens += [token.strip() for token in lowered.split(b",")]
        elif kind == b"upgrade":
            # Several lines of one name form one list (RFC 9110 §5.3).
            response.upgrade += b", " + value.strip() if response.upgrade else value.strip()
    if removes_lines:
        head = _REMOVED_LINES.sub(b"", head)
        if tokens:
            head = _connection(response, tokens, head)
    response.head = head if minor == b"1" else b"HTTP/1.1" + head[8:]
    # RFC 9112 §6.3: these responses have no body, whatever their headers say.
    if method == b"HEAD" or status < 200 or status in {204, 304}:
        if status < 200 or status == 204:
            # RFC 9110 §8.6: they must not have a Content-Length either.
            response.head = without(response.head, b"content-length")
        length = 0
    response.length = length
    if length == UNTIL_CLOSE:
        response.keep_alive = False
    return response


def _parse_unusual(data: bytes, method: bytes, limit: int) -> Response | None:
    """Parse a head that is incomplete, malformed, or has line ends of a bare LF."""
    loose = _LOOSE_END.search(data)
    if loose is None:
        if len(data) > limit:
            raise ResponseError("response head too large")
        if not b"HTTP/1.".startswith(data[:7]):
            raise ResponseError("not an HTTP/1 response")
        return None
    head = data[: loose.start()].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n\r\n"
    if not _HEAD.fullmatch(head) or head == data[: loose.end()]:
        raise ResponseError("malformed response head")
    response = parse_response(head, method, limit)
    if response is not None:
        response.size = loose.end()
    return response


def _connection(response: Response, tokens: list[bytes], head: bytes) -> bytes:
    """Return `head` without the lines that `Connection` names (RFC 9110 §7.6.1), except framing lines."""
    for token in tokens:
        if token == b"close":
            response.keep_alive = False
        elif token == b"keep-alive":
            if b"close" not in tokens:
                response.keep_alive = True
        elif token and token != b"content-length":
            head = without(head, token)
    return head


def _content_length(value: bytes, before: int) -> int:
    text = value.strip()
    if not _DIGITS.fullmatch(text) or before != UNTIL_CLOSE:
        raise ResponseError("invalid, repeated or conflicting Content-Length")
    return int(text)
