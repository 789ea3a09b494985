"""Relays a response from server to client: head and first bytes in one send, then the rest."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from proxy.exchange.errors import ClientGoneError
from proxy.http1.chunked import ChunkedDecoder, ChunkError
from proxy.http1.response import CHUNKED, UNTIL_CLOSE, Response
from proxy.http2.request_head import VERSION
from proxy.net.splicing import MIN_SPLICE_BYTES, SinkError, can_splice, splice
from proxy.net.stall_detection import SilenceTimeout
from proxy.net.stream import READ_SIZE

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.net.stream import Stream


class Outcome(Enum):
    """How a response ended: cut short, complete with excess bytes after it, or complete."""

    CUT = auto()
    WITH_EXCESS = auto()
    COMPLETE = auto()


CUT, WITH_EXCESS, COMPLETE = Outcome

_EAGER_READS = 15
"""Reads in a row without a turn of the event loop, a mebibyte; a power of two less one."""


def relay_body(
    downstream: Downstream,
    request: Request,
    stream: Stream,
    response: Response,
    head: bytes,
    data: bytes,
    request_read: bool,
) -> Outcome:
    """Send `head` and the body to the client; `data` are the first bytes of the body.

    Bytes after the body are not forwarded, and the server's connection must then not be used again. If the
    body is cut short, the caller must cut the response short, too. Raises ClientGoneError.
    """
    length = response.length
    if length >= 0 and not (stream.multiplexed and _may_have_trailers(request, stream)):
        extra = len(data) - length
        if extra > 0:
            data = data[:length]
        downstream.send_head(request, head, length, request_read, data)
        if extra >= 0:
            return WITH_EXCESS if extra else COMPLETE
        with silence_timeout(downstream, stream):
            return _relay_known(downstream, stream, -extra)
    return _relay_unknown_length(downstream, request, stream, response, head, data, request_read)


def _may_have_trailers(request: Request, stream: Stream) -> bool:
    """Return whether trailers may follow content of a known length, and the client can get them.

    Both take HTTP/2.
    """
    return (
        request.version == VERSION
        and request.method != b"HEAD"
        and bool(stream.trailers or not stream.at_end)
    )


class ServerSilence(SilenceTimeout):
    """The limit for how long the server may pause within a body; `relayed` is its stream meanwhile."""

    __slots__ = ("_downstream", "_stream")

    def __init__(self, downstream: Downstream, stream: Stream) -> None:
        context = downstream.context
        super().__init__(context.sweeper, context.upstream_timeouts.pause, stream)
        self._downstream = downstream
        self._stream = stream

    def start(self) -> None:
        self._downstream.relayed = self._stream
        super().start()

    def stop(self) -> None:
        self._downstream.relayed = None
        super().stop()


def silence_timeout(downstream: Downstream, stream: Stream) -> SilenceTimeout:
    """Return the limit for how long the server may pause within a body."""
    return ServerSilence(downstream, stream)


def _relay_known(downstream: Downstream, stream: Stream, remaining: int) -> Outcome:
    outcome = COMPLETE
    full_reads = 0
    while remaining:
        if remaining >= MIN_SPLICE_BYTES and can_splice(stream, downstream.stream):
            try:
                moved = splice(stream, downstream.stream, remaining)
                downstream.sent += moved
                return COMPLETE if moved == remaining else CUT
            except SinkError as error:
                downstream.sent += error.moved
                raise ClientGoneError from error
            except OSError:
                return CUT
        try:
            # A full read means that more is here. Over TLS, turns of the loop were a quarter of the cost.
            data = stream.recv_eagerly() if full_reads & _EAGER_READS else stream.recv()
        except OSError:
            return CUT
        if not data:
            return CUT
        full_reads = full_reads + 1 if len(data) == READ_SIZE else 0
        if len(data) > remaining:
            data = data[:remaining]
            outcome = WITH_EXCESS
        remaining -= len(data)
        downstream.send_content(data)
    return outcome


def _relay_unknown_length(
    downstream: Downstream,
    request: Request,
    stream: Stream,
    response: Response,
    head: bytes,
    data: bytes,
    request_read: bool,
) -> Outcome:
    """Relay a body that is chunked, or that ends with the server's connection, or its stream."""
    decoder = ChunkedDecoder(padded=True) if response.length == CHUNKED else None
    begun = False
    outcome: Outcome | None = None
    silence: SilenceTimeout | None = None
    piece, trailers = data, None
    try:
        while True:
            if decoder is not None:
                try:
                    piece = decoder.feed(data)
                except ChunkError:
                    piece, outcome = b"", CUT
                if decoder.finished:
                    outcome = WITH_EXCESS if decoder.rest else COMPLETE
                    trailers = decoder.trailers
            elif stream.at_end:
                outcome, trailers = COMPLETE, stream.trailers
            if begun:
                downstream.send_content(piece, trailers)
            else:
                downstream.send_head(request, head, UNTIL_CLOSE, request_read, piece, trailers)
                begun = True
            if outcome is not None:
                return outcome
            if silence is None:
                silence = silence_timeout(downstream, stream)
                silence.start()
            try:
                data = piece = stream.recv()
            except OSError:
                return CUT
            if not data:
                if decoder is not None or stream.expired:
                    return CUT
                outcome, trailers = COMPLETE, stream.trailers
    finally:
        if silence is not None:
            silence.stop()
