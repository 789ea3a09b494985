"""Reads a request's whole content for a middleware that needs it before a server gets the request."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from sys import maxsize
from typing import TYPE_CHECKING

from proxy.buffers.disk_file import DiskError
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import values_of, without
from proxy.http1.response_head import CONTINUE
from proxy.net.deadlines import NEVER, after
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.buffers.content_buffer import ContentBuffer
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.per_request.extras import Extras


class ContentTooLargeError(Exception):
    """The request's content exceeds the middleware's limit."""


def read_content(request: Request, client: Client, limit: int) -> bytes:
    """Return the request's content of at most `limit` bytes, if that is not negative.

    The content stays in the client's buffer, or in the buffer of a middleware that has read it before. A
    chunked request becomes one with a length, without trailers. Raises ContentTooLargeError, after which the
    request can still be sent on; raises RequestError if the content is invalid, late or incomplete.
    """
    extras = client.extras
    if extras is not None and extras.produced_content is None and extras.request_content is not None:
        return _buffered(extras.request_content, limit)
    received: list[bytes] = []
    try:
        content = b"".join(receive_content(request, client, limit, received))
    except ContentTooLargeError:
        client.buffer = b"".join(received) + client.buffer
        raise
    client.buffer = content + client.buffer
    return content


def keep_content(request: Request, client: Client, limit: int) -> None:
    """Receive the whole content, so that it can be sent several times. Raises as `read_content` does."""
    extras = client.extras
    if extras is None or extras.request_content is None or extras.produced_content is not None:
        read_content(request, client, limit)
    elif 0 <= limit < extras.request_content.size:
        raise ContentTooLargeError


def receive_content(
    request: Request, client: Client, limit: int, received: list[bytes] | None = None
) -> Iterator[bytes]:
    """Yield the pieces of the content as they arrive, and make the request one with a length.

    `limit` and exceptions are as in `read_content`. At the end the client's buffer holds what comes after the
    content. `received` gets the bytes as they were.
    """
    if not request.has_body:
        return
    extras = client.extras
    if extras is not None and extras.produced_content is not None:
        yield from _receive_produced(request, extras, limit)
        return
    own_limit = client.limits.body_bytes or maxsize
    most = min(limit if limit >= 0 else maxsize, own_limit)
    if request.content_length > most:
        raise _too_large(request.content_length, own_limit)
    if request.version and values_of(request.headers, b"expect"):
        # The client may wait for this before it sends the content. The server gets all of it at once.
        client.send_interim(request, CONTINUE)
        request.headers = without(request.headers, b"expect")
    yield from _receive_from_client(request, client, most, own_limit, received)


def _receive_produced(request: Request, extras: Extras, limit: int) -> Iterator[bytes]:
    """Yield the content that a middleware before this one makes of the client's."""
    produced = extras.produced_content
    assert produced is not None  # noqa: S101
    held: list[bytes] = []
    size = 0
    try:
        for piece in produced.pieces:
            size += len(piece)
            if limit >= 0:
                held.append(piece)
                if size > limit:
                    produced.pieces = chain(held, produced.pieces)
                    raise ContentTooLargeError
            yield piece
        for _ in produced.source:
            # The rest of the client's content must not stand before its next request.
            pass
    except BodyError as error:
        raise RequestError(error.status, str(error)) from None
    # What was buffered is not what goes to the server any more.
    extras.produced_content = extras.request_content = None
    request.headers = without(request.headers, b"expect")
    request.chunked, request.content_length = False, size


def _receive_from_client(
    request: Request, client: Client, most: int, own_limit: int, received: list[bytes] | None
) -> Iterator[bytes]:
    decoder = client.content_decoder(request)
    size = 0
    data, client.buffer = client.buffer, b""
    while True:
        if received is not None:
            received.append(data)
        try:
            piece = decoder.feed(data)
        except ChunkError as error:
            raise RequestError(400, str(error)) from None
        size += len(piece)
        if size > most:
            raise _too_large(size, own_limit)
        yield piece
        if decoder.finished:
            break
        data = receive_more(client, decoder)
    client.buffer = decoder.rest
    if request.chunked:
        request.headers = without(request.headers, b"trailer")
        request.chunked = False
        request.content_length = size


def _buffered(content: ContentBuffer, limit: int) -> bytes:
    if 0 <= limit < content.size:
        raise ContentTooLargeError
    try:
        return b"".join(content.pieces(size=content.size))
    except DiskError as error:
        raise RequestError(500, f"the request body cannot be read again: {error}") from error


def receive_more(client: Client, decoder: ContentDecoder) -> bytes:
    """Return more bytes of a body, within the read timeout; none if it has ended.

    Raises RequestError if none come before the end.
    """
    stream = client.stream
    stream.deadline = after(client.timeouts.read)
    try:
        data = client.recv()
    finally:
        stream.deadline = NEVER
    if data or decoder.finished:
        return data
    if stream.expired:
        raise RequestError(408, "the request body did not arrive in time")
    raise RequestError(400, "the request body is incomplete")


def _too_large(size: int, own_limit: int) -> Exception:
    """Return the error for the limit that is exceeded: the proxy's or the middleware's."""
    if size > own_limit:
        return RequestError(413, "the request body is too large")
    return ContentTooLargeError()
