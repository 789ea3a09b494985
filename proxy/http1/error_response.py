"""Responses that the proxy itself sends: a status and a plain sentence, without internal details."""

from __future__ import annotations

from http import HTTPStatus

from proxy.http1.http_date import http_date
from proxy.http1.response_framing import CLOSE
from proxy.http1.response_head import reason_phrase

_TEXT = {
    404: "404 page not found",
    502: "502 bad gateway: the server could not be reached, or gave no valid answer",
    503: "503 service unavailable: no available server",
    504: "504 gateway timeout: the server did not answer in time",
}

PLAIN_TEXT_LINES = b"\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff"


def error_content(status: int, reason: str = "", allow: str = "") -> tuple[bytes, bytes]:
    """Return header lines and body of a response with an error; the body has `reason` after the status.

    A 200 has no body. `allow` lists methods, which a 405 and the response to OPTIONS must name.
    """
    text = f"{status} {reason}" if reason else _TEXT.get(status)
    if text is None:
        text = f"{status} {reason_phrase(status).decode().lower()}".rstrip()
    body = b"" if status == HTTPStatus.OK else text.encode() + b"\n"
    lines = PLAIN_TEXT_LINES if body else b""
    return lines + (b"\r\nAllow: " + allow.encode() if allow else b""), body


def build_response(status: int, *, reason: str = "") -> bytes:
    """Return a complete HTTP/1.1 response with an error, after which the connection ends."""
    lines, body = error_content(status, reason)
    return b"%b%b\r\n\r\n%b" % (local_head(status, lines, len(body)), CLOSE, body)


def local_head(status: int, lines: bytes, length: int) -> bytes:
    """Return the head of a response with these header lines, each of which begins with CRLF.

    `length` is that of the content, in bytes; negative if it is not announced.
    """
    # RFC 9110 §8.6: a 204 has no Content-Length, and that of a 304 would be the length of the 200.
    announced = b"" if status in _WITHOUT_LENGTH or length < 0 else b"\r\nContent-Length: %d" % length
    start = _STARTS.get(status) or _start(status)
    return start + http_date() + lines + announced


def _start(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\nDate: " % (status, reason_phrase(status))


# Looking at members of HTTPStatus, and formatting, would take longer than the rest of a head.
_WITHOUT_LENGTH = (HTTPStatus.NO_CONTENT.value, HTTPStatus.NOT_MODIFIED.value)
_STARTS = {status.value: _start(status) for status in HTTPStatus}
