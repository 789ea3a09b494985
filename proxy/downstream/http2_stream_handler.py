"""A stream handler: the client's side of one stream of HTTP/2 after the other (RFC 9113 §8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gevent import get_hub

from proxy.downstream.client_side import ClientSide, TrustedSide
from proxy.downstream.http2_websocket import accepts_key, extended_connect_head, with_key
from proxy.exchange.errors import ClientGoneError, NoResponseError
from proxy.http1.error_response import error_content, local_head
from proxy.http1.errors import RequestError
from proxy.http2.errors import INTERNAL_ERROR
from proxy.http2.output import CONTROL_LIMIT

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.downstream.http2_request_stream import RequestStream
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.telemetry.completed_request import Observer


_NO_WEBSOCKET = "no WebSocket is served here"


class HandlerOwner(Protocol):
    """The connection for which a handler works, as the handler sees it."""

    def park(self, handler: StreamHandler) -> bool:
        """Note that the handler has finished a stream; return whether to wait for the next one."""


class StreamHandler(ClientSide):
    """Serves one stream of a connection after the other, in a greenlet of its own.

    `pending` is what the next stream brings: a request, or the error to respond in its place; None ends the
    handler, and `ended` is set. `owner` is its connection.
    """

    __slots__ = ("_key", "_left", "ended", "greenlet", "owner", "pending")

    stream: RequestStream
    owner: HandlerOwner

    def __init__(
        self,
        stream: RequestStream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: WorkerContext,
        port: int = 0,
        label_set: int = 0,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(stream, peer, entry_point, timeouts, context, port, label_set, observer)
        stream.on_reset = self._client_left
        self.greenlet: Any = None
        self.ended = False
        self.pending: Request | RequestError | None = None
        # Bytes of content that are still to be sent; negative if only the exchange knows.
        self._left = 0
        # The key of a WebSocket that the client asks for.
        self._key = b""

    def next_request(self) -> Request | None:
        """Finish the last stream, and wait for the next one."""
        stream = self.stream
        while True:
            if self.pending is None:
                stream.close()
                if self.owner.park(self):
                    get_hub().switch()
                if self.pending is None:
                    self.ended = True
                    return None
            pending, self.pending = self.pending, None
            # A client may take a request back at once.
            if not stream.framed.closed:
                break
        if isinstance(pending, RequestError):
            raise pending
        if not (pending.content_length or stream.content_ended):
            # Content may come nevertheless, and no server may have got a whole request then.
            pending.content_length, pending.chunked = -1, True
        if pending.upgrade:
            pending.headers, self._key = with_key(pending.headers)
        # What has come with the head goes on with it.
        self.buffer = stream.take_received()
        return pending

    def refuse_malformed(self, error: RequestError) -> None:
        """Respond to a request that breaks a limit or a rule of HTTP."""
        lines, content = error_content(error.status, error.reason)
        framed = self.stream.framed
        framed.send_head(local_head(error.status, lines, len(content)))
        framed.send(content, ended=True)

    def send_head(
        self,
        request: Request,
        head: bytes,
        length: int,
        request_read: bool,
        content: bytes,
        trailers: bytes | None = None,
    ) -> None:
        framed = self.stream.framed
        if framed.closed:
            raise ClientGoneError
        if request.upgrade and head[9:10] == b"2":
            self._refuse_upgrade()
            raise ClientGoneError
        self.goes_on = True
        self._left = length - len(content) if length >= 0 else -1
        ended = not self._left if length >= 0 else trailers is not None
        if ended and not content and not trailers:
            framed.send_head(head, ended=True)
            self.sent = 0
            return
        framed.send_head(head)
        self._send(content, trailers, ended=ended)
        self.sent = len(content)

    def _refuse_upgrade(self) -> None:
        """Respond with an error: a success would say that a WebSocket is open (RFC 8441 §5).

        Without a server, it is the proxy that has no WebSocket here, such as the admin application.
        """
        error = RequestError(501, _NO_WEBSOCKET) if self.target is None else RequestError(502, "")
        self.status, self.refused = error.status, True
        self.refuse_malformed(error)

    def send_content(self, content: bytes, trailers: bytes | None = None) -> None:
        if self._left > 0:
            self._left -= len(content)
            ended = not self._left
        else:
            ended = trailers is not None
        self._send(content, trailers, ended=ended)
        self.sent += len(content)

    def _send(self, content: bytes, trailers: bytes | None, *, ended: bool) -> None:
        stream = self.stream
        try:
            if trailers:
                if content:
                    stream.send(content)
                stream.framed.send_trailers(trailers)
            elif content or ended:
                stream.send(content, ended=ended)
        except OSError as error:
            raise ClientGoneError from error

    def cut_short(self) -> None:
        """Leave the response incomplete: a RST_STREAM lets the client notice."""
        self.stream.framed.reset(INTERNAL_ERROR)

    def send_interim(self, request: Request, head: bytes) -> None:
        """Send the head of a 1xx response."""
        framed = self.stream.framed
        # No window bounds heads, of which a server may send any number.
        if framed.closed or framed.connection.output.queued > CONTROL_LIMIT:
            raise ClientGoneError
        framed.send_head(head)

    def switch_protocols(self, head: bytes, protocol: bytes, content: bytes) -> None:
        """Respond that the WebSocket is open (RFC 8441 §5), and send its first bytes.

        Raises NoResponseError if the server has not understood what was asked.
        """
        if not accepts_key(head, self._key):
            raise NoResponseError(502, try_others=False)
        framed = self.stream.framed
        framed.send_head(extended_connect_head(head))
        self._left = -1
        self._send(content, None, ended=False)

    def recv(self) -> bytes:
        """Return more content; b"" at the end, after a reset, or after the deadline."""
        try:
            return self.stream.recv()
        except OSError:
            return b""

    def content_sent(self) -> None:
        """Note that the content has left the memory: the response may still take long."""
        self.stream.release_taken()

    def content_decoder(self, request: Request) -> ContentDecoder:
        """Return the decoder for the request's content, which has no framing here."""
        return StreamDecoder(self.stream, request.content_length)

    def skip_body(self, request: Request) -> bool:
        """Return whether all of the request has been received."""
        return self.stream.content_ended

    def watch(self) -> None:
        """Notice if the client resets the stream while `awaiting` is set, or has before."""
        self.stream.watch()

    def has_left(self) -> bool:
        """Return whether the client has reset the stream, and set `gone` accordingly."""
        self.gone = self.stream.framed.closed
        return self.gone

    def has_unread(self) -> bool:
        """Return False: a stream can end while the client still sends."""
        return False

    def linger(self) -> None:
        """Do nothing: no reset of the connection can destroy the response."""

    def _client_left(self) -> None:
        """End the work of the server at once."""
        self.gone = True
        for server in (self.awaiting, self.relayed):
            if server is not None:
                server.expire()


class TrustedStreamHandler(TrustedSide, StreamHandler):
    """A stream handler for the connection of a trusted proxy."""

    __slots__ = ()


class StreamDecoder:
    """Decodes content that has no framing: the end of the stream ends it.

    If its length was announced, the last piece waits for that end: what comes after the length makes the
    request malformed, and no server may have got a whole one until then.
    """

    __slots__ = ("_held", "_left", "_stream")

    rest = b""

    def __init__(self, stream: RequestStream, length: int) -> None:
        self._stream = stream
        self._left = length
        self._held = b""

    @property
    def finished(self) -> bool:
        return self._stream.finished

    @property
    def trailers(self) -> bytes:
        return self._stream.trailers

    def feed(self, data: bytes) -> bytes:
        """Return `data`, unless it is held."""
        if self._left > 0:
            self._left -= len(data)
            if not self._left and not self._stream.finished:
                self._held = data
                return b""
        elif self._held:
            data, self._held = self._held, b""
        return data
