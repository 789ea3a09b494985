"""The content of a request as an iterator, for a middleware that reads it piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from sys import maxsize
from typing import TYPE_CHECKING

from proxy.buffers.content_buffer import PORTION, ContentBuffer
from proxy.buffers.disk_file import DiskError
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import values_of
from proxy.http1.response_head import CONTINUE
from proxy.middlewares.request_content import receive_more
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.per_request.extras import ClientContent

_TOO_LARGE = "the request body is too large"


class BufferedContent:
    """Yields the content of a request that a middleware has buffered. Raises BodyError."""

    def __init__(self, buffer: ContentBuffer) -> None:
        self.started = self.forwarded = False
        self.finished = True
        self.received = buffer.size
        self._buffer = buffer
        self._position = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.started = True
        if self._position >= self._buffer.size:
            raise StopIteration
        try:
            piece = self._buffer.read(self._position, PORTION)
        except DiskError as error:
            raise BodyError(500, f"the buffered request body cannot be read: {error}") from error
        self._position += len(piece)
        return piece


class ClientBody:
    """Yields the pieces of a request's content as they arrive; raises BodyError if they do not.

    `started` means that a piece was asked for: from then on, the client's buffer holds none of the content.
    `finished` means that all of it was received, `received` is its length so far. `forwarded` means that the
    request's head has left for the server, which may send 100 Continue itself.
    """

    def __init__(self, request: Request, client: Client) -> None:
        self.started = False
        self.finished = not request.has_body
        self.received = 0
        self.forwarded = False
        self._request = request
        self._client = client
        # A middleware may send the content on in another form than the client's.
        self._decoder: ContentDecoder = client.content_decoder(request)
        self._length = request.content_length
        self._fault = ""
        self._limit = client.limits.body_bytes or maxsize

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = b""
        if not self.started:
            data = self._start()
        if self._fault:
            # A middleware may have caught the error, but after it nobody knows what the bytes mean.
            raise BodyError(400, self._fault)
        while not self.finished:
            piece = self._decode(data or _receive(self._client, self._decoder))
            data = b""
            self.received += len(piece)
            if self.received > self._limit:
                raise BodyError(413, _TOO_LARGE)
            if piece:
                return piece
        raise StopIteration

    def _start(self) -> bytes:
        """Return the bytes that have arrived already."""
        self.started = True
        request, client = self._request, self._client
        if self.finished:
            return b""
        if self._length > self._limit:
            raise BodyError(413, _TOO_LARGE)
        if not self.forwarded and request.version and values_of(request.headers, b"expect"):
            client.send_interim(request, CONTINUE)
        data, client.buffer = client.buffer, b""
        return data

    def _decode(self, data: bytes) -> bytes:
        decoder = self._decoder
        try:
            piece = decoder.feed(data)
        except ChunkError as error:
            self._fault = str(error)
            raise BodyError(400, self._fault) from None
        if decoder.finished:
            self.finished = True
            self._client.buffer = decoder.rest
        return piece


def open_content(request: Request, client: Client) -> tuple[ClientContent | None, Iterator[bytes]]:
    """Return the content of the client, and the pieces that middlewares before have left of it.

    There is None without content.
    """
    extras = client.extras
    if extras is not None and extras.produced_content is not None:
        return extras.produced_content.source, extras.produced_content.pieces
    if extras is not None and extras.request_content is not None:
        buffered = BufferedContent(extras.request_content)
        return buffered, buffered
    if request.has_body:
        received = ClientBody(request, client)
        return received, received
    return None, iter(())


def _receive(client: Client, decoder: ContentDecoder) -> bytes:
    try:
        return receive_more(client, decoder)
    except RequestError as error:
        raise BodyError(error.status, error.reason) from None
