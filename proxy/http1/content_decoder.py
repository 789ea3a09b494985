"""Separates the content of a request from its framing, whatever that is (RFC 9112 §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.http1.chunked import ChunkedDecoder

if TYPE_CHECKING:
    from proxy.http1.limits import Underscores
    from proxy.http1.request import Request


class ContentDecoder(Protocol):
    """Takes the bytes of a client after a request head, and returns the content in them.

    `finished` becomes true at the end of the content. Then `trailers` holds the trailer lines to forward,
    each ended by CRLF, and `rest` the bytes after the content.
    """

    @property
    def finished(self) -> bool: ...

    @property
    def rest(self) -> bytes: ...

    @property
    def trailers(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`, possibly empty. Raises ChunkError."""


class LengthDecoder:
    """Decodes content of a known length; `remaining` is the number of bytes that are still to come."""

    __slots__ = ("finished", "remaining", "rest")

    trailers = b""

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.finished = length <= 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`."""
        piece = data[: self.remaining]
        self.skip(len(piece))
        if self.finished:
            self.rest = data[len(piece) :]
        return piece

    def skip(self, count: int) -> None:
        """Count bytes of the content that do not go through `feed`."""
        self.remaining -= count
        self.finished = not self.remaining


def content_decoder(request: Request, underscores: Underscores) -> ContentDecoder:
    """Return the decoder for a request's content; `underscores` are as in `ChunkedDecoder`."""
    if request.chunked:
        return ChunkedDecoder(underscores=underscores)
    return LengthDecoder(max(request.content_length, 0))
