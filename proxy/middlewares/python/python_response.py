"""Turns responses of the data path into values for Python middlewares, and their results back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.http1.error_response import error_content
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import values_of, without
from proxy.middlewares.python.named_pieces import NamedPieces
from proxy.per_request.extras import extras_of
from proxy.per_request.local_response import LocalResponse
from rondpoint.middleware.body import BodyError
from rondpoint.middleware.headers import Headers
from rondpoint.middleware.response import Response

if TYPE_CHECKING:
    from proxy.http1.body_source import BodySource
    from proxy.http1.response_head import ResponseHead
    from proxy.middlewares.step import Client

log = logging.getLogger(__name__)

_WITHOUT_CONTENT = (204, 304)


def local_response(name: str, response: Response, client: Client) -> LocalResponse:
    """Return the response that the middleware `name` gives instead of the server."""
    content = response.content
    lines = response.headers.to_lines()
    if response.status in _WITHOUT_CONTENT:
        content = b""
    if isinstance(content, bytes):
        return LocalResponse(response.status, lines, content)
    pieces = NamedPieces(name, content)
    extras = extras_of(client)
    extras.call_at_end(pieces.close)
    extras.at_response(lambda head: head.stream_body(pieces))
    return LocalResponse(response.status, lines)


def public_response(head: ResponseHead, source: BodySource | None) -> Response:
    """Return the value of a response for a middleware; `source` is its body, if it may have one."""
    return Response.received(head.status, Headers.from_lines(head.lines), b"" if source is None else source)


def apply_result(
    name: str,
    head: ResponseHead,
    received: Headers,
    given: Response,
    source: BodySource | None,
    result: Response,
    client: Client,
) -> None:
    """Change `head` to the result of the middleware `name`.

    The middleware got the response `given`, with the headers `received` and the body `source`. Raises
    TypeError if it has replaced a response that cannot be replaced.
    """
    if head.status == 101 and (result is not given or result.status != 101 or result.content != b""):
        raise TypeError("the response to an upgrade can change in its headers only")
    before, head.status = head.status, result.status
    if result.headers is not received:
        head.lines = _completed(result.headers.to_lines(), head.lines)
    elif received.changed:
        head.lines = received.to_lines()
    content = result.content
    if source is None:
        # The response to HEAD has no body, but its headers are those of the response to GET.
        if result is not given and isinstance(content, bytes):
            head.replace_body(content)
    elif content is source and not source.started:
        if before != head.status and (before in _WITHOUT_CONTENT or head.status in _WITHOUT_CONTENT):
            head.replace_body(b"")
    elif isinstance(content, bytes):
        head.replace_body(b"" if head.status in _WITHOUT_CONTENT else content)
    else:
        _stream(name, head, content, source, client)
    if head.status in _WITHOUT_CONTENT and head.content == b"":
        head.lines = without(head.lines, b"content-length")


def _stream(
    name: str, head: ResponseHead, content: Iterator[bytes], source: BodySource, client: Client
) -> None:
    pieces = content if content is source else NamedPieces(name, content)
    if isinstance(pieces, NamedPieces):
        extras_of(client).call_at_end(pieces.close)
    if head.status in _WITHOUT_CONTENT:
        head.replace_body(b"")
    else:
        head.stream_body(pieces)


def refusal(name: str, error: BaseException) -> RequestError:
    """Return the refusal of a request whose middleware has raised this; log faults of the middleware."""
    if isinstance(error, BodyError):
        return RequestError(error.status, str(error))
    log.error("middleware %s failed", name, exc_info=error)
    return RequestError(500, "")


def fail(name: str, head: ResponseHead, error: BaseException) -> None:
    """Replace a response whose middleware has raised this by an error of the proxy's own."""
    refused = refusal(name, error)
    lines, content = error_content(refused.status, refused.reason)
    head.status = refused.status
    head.lines = _completed(lines, head.lines)
    head.replace_body(content)


def _completed(lines: bytes, before: bytes) -> bytes:
    """Return new header lines with those of the response before that each response with its body needs.

    That is its length, because the body may stay, and its Date, unless there is a new one.
    """
    for name in (b"Date", b"Content-Length"):
        if not values_of(lines, name.lower()):
            lines += b"".join(b"\r\n%b: %b" % (name, value) for value in values_of(before, name.lower())[:1])
    return lines
