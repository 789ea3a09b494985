"""Responses that the proxy itself sends: a status and a plain sentence, without internal details."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

_TEXT = {
    404: "404 page not found",
    502: "502 bad gateway: the server could not be reached, or sent no valid response",
    503: "503 service unavailable: no available server",
    504: "504 gateway timeout: the server did not respond in time",
}


def build_response(
    status: int, *, reason: str = "", keep_alive: bool = False, head_only: bool = False, allow: str = ""
) -> bytes:
    """Return a complete HTTP/1.1 response; its body has `reason` after the status. A 200 has no body.

    `allow` lists methods, which a 405 and the response to OPTIONS must name.
    """
    phrase = HTTPStatus(status).phrase
    text = f"{status} {reason}" if reason else _TEXT.get(status, f"{status} {phrase.lower()}")
    body = b"" if status == HTTPStatus.OK else text.encode() + b"\n"
    about = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" if body else ""
    if allow:
        about += f"Allow: {allow}\r\n"
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\n"
        f"{about}"
        f"Content-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode() if head_only else head.encode() + body
