"""A response on its way from server to client: head and first bytes in one piece, then the rest."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from proxy.exchange.errors import ClientGoneError
from proxy.http1.chunked import ChunkedDecoder, ChunkError, encode_chunk, last_chunk
from proxy.http1.response import CHUNKED, Response
from proxy.net.splicing import WORTHWHILE, SinkError, can_splice, splice
from proxy.net.stall_detection import Silence

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.net.stream import Stream


class Outcome(Enum):
    """How a response came: cut short; whole, with more behind it that nobody asked for; or just whole."""

    CUT = auto()
    EXCEEDED = auto()
    WHOLE = auto()


CUT, EXCEEDED, WHOLE = Outcome


def relay_body(
    downstream: Downstream,
    stream: Stream,
    response: Response,
    head: bytes,
    data: bytes,
    version: int,
    keep_alive: bool,
) -> Outcome:
    """Send `head`, the response's or what became of it, and the body, `data` being its first bytes.

    What follows it is not passed on, and the server's connection must not be used again. What came cut short
    leaves the client's connection to be closed before its promised end, so that the client sees it
    (RFC 9112 §8). Raises ClientGoneError.
    """
    length = response.length
    if not keep_alive:
        head += b"\r\nConnection: close"
    elif not version:
        head += b"\r\nConnection: keep-alive"
    if length >= 0:
        extra = len(data) - length
        if extra > 0:
            data = data[:length]
        downstream.send(b"%b\r\n\r\n%b" % (head, data))
        downstream.sent = len(data)
        if extra >= 0:
            return EXCEEDED if extra else WHOLE
        with _silence(downstream, stream):
            return _relay_known(downstream, stream, -extra)
    if length == CHUNKED:
        return _relay_chunked(downstream, stream, head, data, version)
    with _silence(downstream, stream):
        return _relay_until_close(downstream, stream, head, data, version)


def _silence(downstream: Downstream, stream: Stream) -> Silence:
    context = downstream.context
    return Silence(context.sweeper, context.upstream_timeouts.pause, stream)


def _relay_known(downstream: Downstream, stream: Stream, remaining: int) -> Outcome:
    outcome = WHOLE
    while remaining:
        if remaining >= WORTHWHILE and can_splice(stream, downstream.stream):
            try:
                moved = splice(stream, downstream.stream, remaining)
                downstream.sent += moved
                return WHOLE if moved == remaining else CUT
            except SinkError as error:
                downstream.sent += error.moved
                raise ClientGoneError from error
            except OSError:
                return CUT
        try:
            data = stream.recv()
        except OSError:
            return CUT
        if not data:
            return CUT
        if len(data) > remaining:
            data = data[:remaining]
            outcome = EXCEEDED
        remaining -= len(data)
        downstream.send(data)
        downstream.sent += len(data)
    return outcome


def _relay_chunked(downstream: Downstream, stream: Stream, head: bytes, data: bytes, version: int) -> Outcome:
    decoder = ChunkedDecoder(padded=True)
    framed = head + (b"\r\nTransfer-Encoding: chunked\r\n\r\n" if version else b"\r\n\r\n")
    silence: Silence | None = None
    try:
        while True:
            piece = decoder.feed(data)
            downstream.sent += len(piece)
            framed += encode_chunk(piece) if version else piece
            if decoder.finished:
                if version:
                    framed += last_chunk(decoder.trailers)
                downstream.send(framed)
                return EXCEEDED if decoder.rest else WHOLE
            if framed:
                downstream.send(framed)
                framed = b""
            if silence is None:
                silence = _silence(downstream, stream)
                silence.start()
            data = stream.recv()
            if not data:
                return CUT
    except (ChunkError, OSError):
        if framed:
            downstream.send(framed)
        return CUT
    finally:
        if silence is not None:
            silence.stop()


def _relay_until_close(
    downstream: Downstream, stream: Stream, head: bytes, data: bytes, version: int
) -> Outcome:
    framed = head + (b"\r\nTransfer-Encoding: chunked\r\n\r\n" if version else b"\r\n\r\n")
    framed += encode_chunk(data) if version else data
    while True:
        downstream.send(framed)
        downstream.sent += len(data)
        try:
            data = stream.recv()
        except OSError:
            return CUT
        if not data:
            if stream.expired:
                return CUT
            if version:
                downstream.send(last_chunk())
            return WHOLE
        framed = encode_chunk(data) if version else data
