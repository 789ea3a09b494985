"""Subrequests: small requests of the proxy's own to a server, whose whole response is read into memory."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.errors import MessageError
from proxy.http1.methods import IDEMPOTENT_METHODS
from proxy.http1.response import CHUNKED
from proxy.net.client_gone import Awaited, ClientGoneError
from proxy.net.deadlines import NEVER, after
from proxy.upstream.connection import DialError
from proxy.upstream.http2_stream import Http2Stream
from proxy.upstream.request_framing import send_whole_request

if TYPE_CHECKING:
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.upstream.pool import Pool

HEAD_LIMIT = 65536
"""The most bytes of a response head."""

_RESET = "connection reset before a response"
_ENDED = "the connection ended before the whole response had come"


class SubrequestError(Exception):
    """No valid and complete response came; the message says why."""


class ContentTooLargeError(SubrequestError):
    """The response's content exceeds the limit."""


class ServerFailedError(SubrequestError):
    """The server took no connection, or ended a new one without a byte of a response.

    `dial_error` says why it took no connection. `was_reset` means that it has reset one; `sent` means that it
    may have run the request.
    """

    def __init__(
        self,
        reason: str,
        *,
        dial_error: DialError | None = None,
        was_reset: bool = False,
        sent: bool = False,
    ) -> None:
        super().__init__(reason)
        self.dial_error = dial_error
        self.was_reset = was_reset
        self.sent = sent

    @property
    def exhausted(self) -> bool:
        """Whether this worker has no file descriptor left."""
        return self.dial_error is not None and self.dial_error.exhausted


class WholeResponse(NamedTuple):
    """A final response: status, header lines with a leading CRLF each, and decoded content.

    Hop-by-hop lines are not among `lines`, but a Content-Length may be.
    """

    status: int
    lines: bytes
    content: bytes


class Waiting(Protocol):
    """The client for whom the proxy asks a server; attributes are as in `proxy.exchange.downstream`."""

    awaiting: Awaited | None
    gone: bool

    def watch(self) -> None: ...


def send_subrequest(
    pool: Pool,
    method: bytes,
    message: bytes,
    timeout: float,
    limit: int,
    client: Waiting | None = None,
    *,
    discard: bool = False,
) -> WholeResponse:
    """Send `message`, a whole request with `method`, and return the response after at most `timeout` s.

    `limit` is for the response's content, in bytes; with `discard`, all content is read and dropped. Raises
    SubrequestError, of the kind ServerFailedError if another server may respond. If a reused connection has
    ended, an idempotent request is sent again over a new one. If the `client` leaves meanwhile, the
    subrequest ends; raises ClientGoneError then.
    """
    try:
        return _send(pool, method, message, after(timeout), limit, client, discard=discard)
    except SubrequestError:
        if client is not None and client.gone:
            raise ClientGoneError from None
        raise
    finally:
        if client is not None:
            client.awaiting = None


def _send(
    pool: Pool,
    method: bytes,
    message: bytes,
    deadline: float,
    limit: int,
    client: Waiting | None,
    *,
    discard: bool,
) -> WholeResponse:
    repeatable = method in IDEMPOTENT_METHODS
    stream = pool.take() if repeatable else pool.take_alive()
    if stream is not None:
        data = _first_bytes(stream, message, deadline, client)
        if data or stream.expired or not (repeatable or stream.unprocessed):
            return _whole_response(pool, stream, method, data or b"", limit, discard)
        stream.close()
    try:
        stream = pool.dial(deadline - monotonic())
    except DialError as error:
        raise ServerFailedError(str(error), dial_error=error) from error
    data = _first_bytes(stream, message, deadline, client)
    if not data and not stream.expired:
        stream.close()
        raise ServerFailedError(
            _RESET if data is None else _ENDED, was_reset=data is None, sent=not stream.unprocessed
        )
    return _whole_response(pool, stream, method, data or b"", limit, discard)


def _first_bytes(stream: Stream, message: bytes, deadline: float, client: Waiting | None) -> bytes | None:
    """Send the request and return the first bytes of the response; b"" if none came, None after a reset."""
    stream.deadline = deadline
    if client is not None:
        client.awaiting = stream
        # It may have left while its request waited for another middleware.
        client.watch()
    try:
        send_whole_request(stream, message)
        return stream.recv()
    except (ConnectionResetError, BrokenPipeError):
        return None
    except OSError:
        return b""
    except BaseException:
        stream.close()
        raise


def _whole_response(
    pool: Pool, stream: Stream, method: bytes, data: bytes, limit: int, discard: bool
) -> WholeResponse:
    """Return the response that begins with `data`; give the connection back, or close it."""
    reusable = False
    try:
        response, data = _final_head(pool, stream, method, data)
        if discard:
            content, rest = b"", _skip_content(stream, response, data)
        else:
            content, rest = _read_content(stream, response, data, limit)
        reusable = response.keep_alive and not rest
    except (MessageError, OSError) as error:
        raise SubrequestError(str(error)) from error
    finally:
        if reusable:
            stream.deadline = NEVER
            pool.give(stream)
        else:
            stream.close()
    _, separator, lines = response.head.partition(b"\r\n")
    return WholeResponse(response.status, separator + lines, content)


def _final_head(pool: Pool, stream: Stream, method: bytes, data: bytes) -> tuple[Response, bytes]:
    """Return the head of the final response and the bytes after it; skip interim responses."""
    if not data:
        raise _ended(stream)
    while isinstance(stream, Http2Stream):
        found = stream.take_response()
        if found is None:
            raise _ended(stream)
        if found.status >= 200:
            return found, stream.take_content()
    while True:
        response = pool.heads.parse(data, method, HEAD_LIMIT)
        if response is None:
            data += _more(stream)
            continue
        data = data[response.size :]
        if response.status >= 200:
            return response, data
        if response.status == 101:
            raise SubrequestError("the server switched protocols without being asked to")


def _read_content(stream: Stream, response: Response, data: bytes, limit: int) -> tuple[bytes, bytes]:
    """Return the content that begins in `data`, and the bytes after it."""
    length = response.length
    if length > limit:
        raise _too_large(limit)
    if length >= 0:
        pieces, size = [data], len(data)
        while size < length:
            pieces.append(_more(stream))
            size += len(pieces[-1])
        data = b"".join(pieces)
        return data[:length], data[length:]
    # Servers may pad chunk sizes, as in responses that the proxy relays.
    decoder = ChunkedDecoder(padded=True) if length == CHUNKED else None
    pieces, size = [], 0
    while True:
        piece = data if decoder is None else decoder.feed(data)
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
        if decoder is not None:
            if decoder.finished:
                return b"".join(pieces), decoder.rest
            data = _more(stream)
            continue
        data = stream.recv()
        if not data:
            if stream.expired:
                raise _ended(stream)
            return b"".join(pieces), b""


def _skip_content(stream: Stream, response: Response, data: bytes) -> bytes:
    """Read and drop the content that begins in `data`, and return the bytes after it."""
    left = response.length
    if left >= 0:
        while left > len(data):
            left -= len(data)
            data = _more(stream)
        return data[left:]
    if left == CHUNKED:
        decoder = ChunkedDecoder(padded=True)
        decoder.feed(data)
        while not decoder.finished:
            decoder.feed(_more(stream))
        return decoder.rest
    while stream.recv():
        pass
    if stream.expired:
        raise _ended(stream)
    return b""


def _more(stream: Stream) -> bytes:
    data = stream.recv()
    if not data:
        raise _ended(stream)
    return data


def _ended(stream: Stream) -> SubrequestError:
    if stream.expired:
        return SubrequestError("the server did not respond in time")
    return SubrequestError(_ENDED)


def _too_large(limit: int) -> ContentTooLargeError:
    return ContentTooLargeError(f"the response has more than {limit} bytes of content")
