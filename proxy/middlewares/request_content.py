"""Reads a request's whole content into memory for a middleware, and leaves it there for the server."""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING

from proxy.http1.chunked import ChunkedDecoder, ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import values_of, without
from proxy.http1.response_head import CONTINUE
from proxy.net.deadlines import NEVER, after
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.per_request.extras import Extras


class ContentTooLargeError(Exception):
    """The request's content exceeds the middleware's limit."""


def read_content(request: Request, client: Client, limit: int) -> bytes:
    """Return the request's content of at most `limit` bytes, if that is not negative.

    The content stays in the client's buffer. A chunked request becomes one with a length, without trailers.
    Raises ContentTooLargeError; raises RequestError if the content is invalid, late or incomplete.
    """
    if not request.has_body:
        return b""
    extras = client.extras
    if extras is not None and extras.produced_content is not None:
        return _read_produced(request, client, extras, limit)
    own_limit = client.limits.body_bytes or maxsize
    most = min(limit if limit >= 0 else maxsize, own_limit)
    if request.content_length > most:
        raise _too_large(request.content_length, own_limit)
    if request.version and values_of(request.headers, b"expect"):
        # The client may wait for this before it sends the content. The server gets all of it at once.
        client.send_interim(request, CONTINUE)
        request.headers = without(request.headers, b"expect")
    if request.chunked:
        return _read_chunks(request, client, most, own_limit)
    length = request.content_length
    pieces, size = [client.buffer], len(client.buffer)
    while size < length:
        pieces.append(_receive(client))
        size += len(pieces[-1])
    client.buffer = b"".join(pieces)
    return client.buffer[:length]


def _read_produced(request: Request, client: Client, extras: Extras, limit: int) -> bytes:
    """Read the content that a middleware before this one makes of the client's."""
    produced = extras.produced_content
    assert produced is not None  # noqa: S101
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in produced.pieces:
            pieces.append(piece)
            size += len(piece)
            if 0 <= limit < size:
                request.keep_alive = False
                raise ContentTooLargeError
        for _ in produced.source:
            # The rest of the client's content must not stand before its next request.
            pass
    except BodyError as error:
        raise RequestError(error.status, str(error)) from None
    content = b"".join(pieces)
    extras.produced_content = None
    request.headers = without(request.headers, b"expect")
    client.buffer = content + client.buffer
    request.chunked, request.content_length = False, size
    return content


def _read_chunks(request: Request, client: Client, most: int, own_limit: int) -> bytes:
    decoder = ChunkedDecoder(underscores=client.limits.underscores)
    pieces: list[bytes] = []
    size = 0
    data, client.buffer = client.buffer, b""
    try:
        while True:
            pieces.append(decoder.feed(data))
            size += len(pieces[-1])
            if size > most:
                raise _too_large(size, own_limit)
            if decoder.finished:
                break
            data = _receive(client)
    except ChunkError as error:
        raise RequestError(400, str(error)) from None
    content = b"".join(pieces)
    client.buffer = content + decoder.rest
    request.headers = without(request.headers, b"trailer")
    request.chunked = False
    request.content_length = len(content)
    return content


def _receive(client: Client) -> bytes:
    stream = client.stream
    stream.deadline = after(client.timeouts.read)
    data = client.recv()
    stream.deadline = NEVER
    if data:
        return data
    if stream.expired:
        raise RequestError(408, "the request body did not arrive in time")
    raise RequestError(400, "the request body is incomplete")


def _too_large(size: int, own_limit: int) -> Exception:
    """Return the error for the limit that is exceeded: the proxy's or the middleware's."""
    if size > own_limit:
        return RequestError(413, "the request body is too large")
    return ContentTooLargeError()
