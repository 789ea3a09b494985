"""The body of a server's response as an iterator, for a middleware that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.exchange.response_relay import silence_timeout
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.response import Response
    from proxy.net.stall_detection import SilenceTimeout
    from proxy.net.stream import Stream


class ServerBody:
    """Yields the pieces of the body that begins in `data`; raises BodyError if it ends early.

    `started` means that a piece was asked for, and `complete` that the body has ended, with no bytes after
    it. `trailers` are then the lines after it.
    """

    def __init__(self, downstream: Downstream, stream: Stream, response: Response, data: bytes) -> None:
        self.started = False
        self._downstream = downstream
        self._stream = stream
        self._decoder = BodyDecoder(response.length)
        self._data = data
        self._ended = self._decoder.finished
        self._excess = self._ended and bool(data)
        self._silence: SilenceTimeout | None = None

    @property
    def complete(self) -> bool:
        """Whether the server's connection can take another request."""
        return self._decoder.finished and not (self._decoder.excess or self._excess)

    @property
    def trailers(self) -> bytes:
        return self._decoder.trailers

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.started = True
        while not self._ended:
            data, self._data = self._data or self._receive(), b""
            try:
                piece = self._decoder.feed(data)
            except ChunkError as error:
                self._ended = True
                raise BodyError(502, f"the server's response is invalid: {error}") from None
            self._ended = self._ended or self._decoder.finished
            if piece:
                return piece
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Stop watching for a server that pauses for too long."""
        if self._silence is not None:
            self._silence.stop()

    def _receive(self) -> bytes:
        """Return more bytes; b"" once the end of the connection has ended the body. Raises BodyError."""
        stream = self._stream
        if self._silence is None:
            self._silence = silence_timeout(self._downstream, stream)
            self._silence.start()
        try:
            data = stream.recv()
        except OSError:
            data = b""
            until_close = False
        else:
            until_close = self._decoder.until_close and not stream.expired
        if not data:
            self._ended = True
            if not until_close:
                self.close()
                raise BodyError(504 if stream.expired else 502, "the server's response ended early")
        return data
