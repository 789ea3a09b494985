"""Decodes the body of a response, whatever its framing (RFC 9112 §6.3)."""

from __future__ import annotations

from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.response import CHUNKED, UNTIL_CLOSE


class BodyDecoder:
    """Separates a body from its framing; `length` is as in `Response`.

    `finished` becomes true at the end of the body, unless only the end of the connection ends it. Then
    `excess` says whether bytes came after the body, and `trailers` holds the trailer lines to forward.
    """

    __slots__ = ("_chunked", "_remaining", "excess", "finished", "trailers", "until_close")

    def __init__(self, length: int) -> None:
        self.until_close = length == UNTIL_CLOSE
        self._chunked = ChunkedDecoder(padded=True) if length == CHUNKED else None
        self._remaining = length
        self.finished = length == 0
        self.excess = False
        self.trailers = b""

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`, possibly empty. Raises ChunkError."""
        chunked = self._chunked
        if chunked is not None:
            piece = chunked.feed(data)
            self.finished = chunked.finished
            self.excess = bool(chunked.rest)
            self.trailers = chunked.trailers
            return piece
        if self.until_close:
            return data
        piece = data[: self._remaining]
        self._remaining -= len(piece)
        self.finished = not self._remaining
        self.excess = len(piece) < len(data)
        return piece
