"""The body of a server's response as an iterator, for a middleware that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.exchange.response_relay import silence_timeout
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError
from proxy.per_request.extras import extras_of
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.response import Response
    from proxy.net.stall_detection import SilenceTimeout
    from proxy.net.stream import Stream


class ServerBody:
    """Yields the pieces of the body that begins in `data`; raises BodyError if it ends early.

    `started` means that a piece was asked for. Most bodies are never read here, so the rest waits for that.
    """

    __slots__ = ("_data", "_decoder", "_downstream", "_ended", "_response", "_silence", "_stream", "started")

    def __init__(self, downstream: Downstream, stream: Stream, response: Response, data: bytes) -> None:
        self.started = False
        self._downstream = downstream
        self._stream = stream
        self._response = response
        self._data = data
        self._decoder: BodyDecoder | None = None
        self._silence: SilenceTimeout | None = None

    @property
    def complete(self) -> bool:
        """Whether the whole body was read, with no bytes after it."""
        decoder = self._decoder
        return decoder is not None and decoder.finished and not decoder.excess and not self._data

    @property
    def trailers(self) -> bytes:
        """The trailer lines, once the body was read."""
        return b"" if self._decoder is None else self._decoder.trailers or self._stream.trailers

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        decoder = self._decoder
        if decoder is None:
            self.started = True
            decoder = self._decoder = BodyDecoder(self._response.length)
            self._ended = decoder.finished
        while not self._ended:
            data, self._data = self._data or self._receive(decoder), b""
            try:
                piece = decoder.feed(data)
            except ChunkError as error:
                self._end()
                raise BodyError(502, f"the server's response is invalid: {error}") from None
            if decoder.finished:
                self._end()
            if piece:
                return piece
        raise StopIteration

    def _receive(self, decoder: BodyDecoder) -> bytes:
        """Return more bytes; b"" once the end of the connection has ended the body. Raises BodyError."""
        stream = self._stream
        if self._silence is None:
            self._silence = silence_timeout(self._downstream, stream)
            self._silence.start()
            # The body may never be read to its end.
            extras_of(self._downstream).call_at_end(self._silence.stop)
        try:
            data = stream.recv()
            until_close = decoder.until_close and not stream.expired
        except OSError:
            data, until_close = b"", False
        if not data:
            self._end()
            if not until_close:
                raise BodyError(504 if stream.expired else 502, "the server's response ended early")
        return data

    def _end(self) -> None:
        self._ended = True
        if self._silence is not None:
            self._silence.stop()
