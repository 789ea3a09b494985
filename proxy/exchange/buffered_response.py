"""Relays a response only once the server has sent all of it: in memory first, beyond a limit on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from proxy.buffers.content_buffer import PORTION, ContentBuffer
from proxy.buffers.disk_file import DiskError
from proxy.exchange.body_portions import feed_in_portions
from proxy.exchange.errors import ClientGoneError, NoResponseError
from proxy.exchange.local_response import send_whole
from proxy.exchange.response_relay import silence_timeout
from proxy.exchange.streamed_response import send_pieces
from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.body_source import PiecesSource
from proxy.http1.chunked import ChunkError
from proxy.http1.errors import RequestError
from proxy.http1.response import UNTIL_CLOSE
from proxy.per_request.extras import extras_of
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_body import RequestBody
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.per_request.extras import Extras
    from proxy.upstream.endpoint import Target

_TOO_LARGE = "the response body is too large"


class _Content(NamedTuple):
    """The content of a response, its first bytes, its trailer lines, and whether bytes followed it."""

    buffer: ContentBuffer
    start: bytes
    trailers: bytes
    excess: bool


def relay_buffered(
    downstream: Downstream,
    request: Request,
    target: Target,
    stream: Stream,
    response: Response,
    data: bytes,
    body: RequestBody | None,
) -> bool:
    """Read the whole response, give its connection back, and then send the response to the client.

    `data` are the first bytes of the body. Return whether the client's connection can take another request.
    Raises NoResponseError, RequestError or ClientGoneError if the response is incomplete, too large or not
    wanted any more; nothing has been sent to the client then.
    """
    extras = extras_of(downstream)
    limits = extras.response_limits
    assert limits is not None  # noqa: S101 (the caller has checked it)
    if 0 < limits.most < response.length:
        raise RequestError(500, _TOO_LARGE)
    buffer = ContentBuffer(limits.memory)
    extras.call_at_end(buffer.close)
    try:
        content = _read(downstream, stream, response, data, buffer, limits.most)
    except DiskError as error:
        raise RequestError(500, "the response cannot be buffered") from error
    head = response.head
    if response.length < 0 and not content.trailers:
        head += b"\r\nContent-Length: %d" % buffer.size
    source = PiecesSource(_pieces(buffer)) if extras.reads_body else None
    head = extras.complete_head(head, buffer.size, content.start, source)
    downstream.status = extras.status or response.status
    # The server may have responded before it had all of the request, which the proxy may have nevertheless.
    request_read = body is None or body.done or extras.request_content is not None
    if response.keep_alive and not content.excess and (body is None or body.is_sent):
        target.pool.give(stream)
    else:
        if body is not None:
            body.stop()
        stream.close()
    # From here on, no exception may reach the caller, who would close the connection that is in the pool.
    try:
        _send(downstream, request, head, content, extras, request_read)
        if not request_read:
            downstream.linger()
        return downstream.goes_on
    except ClientGoneError:
        return False
    except DiskError:
        downstream.cut_short()
        return False


def _read(
    downstream: Downstream, stream: Stream, response: Response, data: bytes, buffer: ContentBuffer, most: int
) -> _Content:
    """Read the whole body, as long as the client waits for it. Raises DiskError too."""
    decoder = BodyDecoder(response.length)
    downstream.awaiting = stream
    try:
        with silence_timeout(downstream, stream):
            while True:
                buffer.add(decoder.feed(data))
                if 0 < most < buffer.size:
                    raise RequestError(500, _TOO_LARGE)
                if decoder.finished:
                    break
                # The client may have left just when bytes of the response had arrived.
                if downstream.has_left():
                    raise ClientGoneError
                data = stream.recv()
                if not data:
                    if downstream.gone:
                        raise ClientGoneError
                    if decoder.until_close and not stream.expired:
                        break
                    raise NoResponseError(504 if stream.expired else 502, try_others=False)
    except (ChunkError, OSError) as error:
        raise NoResponseError(504 if stream.expired else 502, try_others=False) from error
    finally:
        downstream.awaiting = None
    return _Content(buffer, buffer.read(0, PORTION), decoder.trailers or stream.trailers, decoder.excess)


def _pieces(buffer: ContentBuffer) -> Iterator[bytes]:
    """Yield the content for a middleware that reads it. Raises BodyError."""
    try:
        yield from buffer.pieces()
    except DiskError as error:
        raise BodyError(500, f"the buffered response cannot be read: {error}") from error


def _send(
    downstream: Downstream,
    request: Request,
    head: bytes,
    content: _Content,
    extras: Extras,
    request_read: bool,
) -> None:
    """Send the response, through filters or replaced as middlewares want it."""
    body_filter = extras.body_filter
    if extras.content is not None:
        send_whole(downstream, request, head, extras.content, body_filter, request_read)
        return
    if extras.pieces is not None:
        send_pieces(downstream, request, head, extras.pieces, body_filter, request_read, content)
        return
    buffer, piece = content.buffer, content.start
    size = buffer.size
    length = UNTIL_CLOSE if content.trailers or body_filter is not None else size
    position = 0
    while True:
        position += len(piece)
        ended = position == size
        trailers = content.trailers if ended else None
        if body_filter is not None:
            piece = feed_in_portions(body_filter, piece)
            if trailers is not None:
                trailers = body_filter.take_trailers(trailers) if trailers else b""
                piece += body_filter.finish()
        if head:
            downstream.send_head(request, head, length, request_read, piece, trailers)
            head = b""
        else:
            downstream.send_content(piece, trailers)
        if ended:
            return
        piece = buffer.read(position, PORTION)
