"""A response on its way from server to client: head and first bytes in one piece, then the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.downstream import ClientGoneError
from proxy.http1.chunked import ChunkedDecoder, ChunkError, encode_chunk, last_chunk
from proxy.http1.response import CHUNKED, Response
from proxy.progress import Silence
from proxy.splicing import WORTHWHILE, SinkError, can_splice, splice

if TYPE_CHECKING:
    from proxy.downstream import Downstream
    from proxy.stream import Stream


def relay_body(
    downstream: Downstream, stream: Stream, response: Response, data: bytes, version: int, keep_alive: bool
) -> bool:
    """Send head and body, `data` being the body's first bytes; whether it came whole.

    What came cut short leaves the client's connection to be closed before its promised end, so that
    the client sees it (RFC 9112 §8). Raises ClientGoneError.
    """
    length = response.length
    head = response.head
    if not keep_alive:
        head += b"\r\nConnection: close"
    elif not version:
        head += b"\r\nConnection: keep-alive"
    if length >= 0:
        extra = len(data) - length
        if extra > 0:
            # Nobody asked for what follows: it is not passed on, and the connection not used again.
            data = data[:length]
            response.keep_alive = False
        downstream.send(b"%b\r\n\r\n%b" % (head, data))
        downstream.sent = len(data)
        if extra >= 0:
            return True
        with _silence(downstream, stream):
            return _relay_known(downstream, stream, response, -extra)
    if length == CHUNKED:
        return _relay_chunked(downstream, stream, response, head, data, version)
    with _silence(downstream, stream):
        return _relay_until_close(downstream, stream, head, data, version)


def _silence(downstream: Downstream, stream: Stream) -> Silence:
    context = downstream.context
    return Silence(context.sweeper, context.upstream_timeouts.pause, stream)


def _relay_known(downstream: Downstream, stream: Stream, response: Response, remaining: int) -> bool:
    while remaining:
        if remaining >= WORTHWHILE and can_splice(stream, downstream.stream):
            try:
                moved = splice(stream, downstream.stream, remaining)
                downstream.sent += moved
                return moved == remaining
            except SinkError as error:
                downstream.sent += error.moved
                raise ClientGoneError from error
            except OSError:
                return False
        try:
            data = stream.recv()
        except OSError:
            return False
        if not data:
            return False
        if len(data) > remaining:
            data = data[:remaining]
            response.keep_alive = False
        remaining -= len(data)
        downstream.send(data)
        downstream.sent += len(data)
    return True


def _relay_chunked(
    downstream: Downstream, stream: Stream, response: Response, head: bytes, data: bytes, version: int
) -> bool:
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
                if decoder.rest:
                    response.keep_alive = False
                return True
            if framed:
                downstream.send(framed)
                framed = b""
            if silence is None:
                silence = _silence(downstream, stream)
                silence.start()
            data = stream.recv()
            if not data:
                return False
    except (ChunkError, OSError):
        if framed:
            downstream.send(framed)
        return False
    finally:
        if silence is not None:
            silence.stop()


def _relay_until_close(
    downstream: Downstream, stream: Stream, head: bytes, data: bytes, version: int
) -> bool:
    framed = head + (b"\r\nTransfer-Encoding: chunked\r\n\r\n" if version else b"\r\n\r\n")
    framed += encode_chunk(data) if version else data
    while True:
        downstream.send(framed)
        downstream.sent += len(data)
        try:
            data = stream.recv()
        except OSError:
            return False
        if not data:
            if stream.expired:
                return False
            if version:
                downstream.send(last_chunk())
            return True
        framed = encode_chunk(data) if version else data
