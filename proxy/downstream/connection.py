"""A client's HTTP/1.1 connection: reads one request after the other, sends the responses (RFC 9112 §9)."""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING

from proxy.downstream.client_side import ClientSide, TrustedSide
from proxy.exchange.errors import ClientGoneError
from proxy.http1.content_decoder import content_decoder
from proxy.http1.error_response import build_response
from proxy.http1.errors import RequestError
from proxy.http1.partial_head import EMPTY_LINE, PartialHead
from proxy.http1.repeated_heads import RequestHeads
from proxy.http1.response_framing import CHUNKED, CLOSE, KEEP_ALIVE, frame_chunks, frame_switch
from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.request import Request
    from proxy.net.stream import Stream
    from proxy.telemetry.completed_request import Observer

LINGER_SECONDS = 2.0
LINGER_BYTES = 1 << 20


class ClientConnection(ClientSide):
    """One client connection on an entry point.

    `heads` parses request heads. `idle` means that it waits for the first byte of a request.
    """

    __slots__ = ("_chunked", "_delimited", "heads", "idle")

    stream: Stream

    def __init__(
        self,
        stream: Stream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: WorkerContext,
        port: int = 0,
        label_set: int = 0,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(stream, peer, entry_point, timeouts, context, port, label_set, observer)
        # Its deadlines apply to reading; sending stays possible for the error response.
        stream.shutdown_mode = _socket.SHUT_RD
        stream.stall_limit = timeouts.stall
        stream.on_unread = self._unread
        self.heads = RequestHeads()
        self._chunked = False
        self._delimited = True
        self.idle = False

    def send(self, data: bytes) -> None:
        """Send bytes to the client. Raises ClientGoneError."""
        try:
            self.stream.send(data)
        except OSError as error:
            raise ClientGoneError from error

    def recv(self) -> bytes:
        """Return more bytes; b"" at the end, after an error, or after the deadline."""
        try:
            return self.stream.recv()
        except OSError:
            return b""

    def content_decoder(self, request: Request) -> ContentDecoder:
        """Return the decoder for the bytes of a request's content."""
        return content_decoder(request, self.limits.underscores)

    def send_head(
        self,
        request: Request,
        head: bytes,
        length: int,
        request_read: bool,
        content: bytes,
        trailers: bytes | None = None,
    ) -> None:
        """Begin the response, as described in `proxy.exchange.downstream`; it leaves in one send."""
        version = request.version
        chunked = length < 0 and version == 1
        delimited = length >= 0 or chunked
        goes_on = request_read and delimited and request.keep_alive and not self.context.draining
        if not goes_on:
            head += CLOSE
        elif not version:
            head += KEEP_ALIVE
        self.goes_on, self._chunked, self._delimited = goes_on, chunked, delimited
        framed = content
        if chunked:
            head += CHUNKED
            framed = frame_chunks(content, trailers)
        send = self.stream.send
        if (
            not goes_on
            and (len(content) == length or trailers is not None)
            # This client sends nothing more, and nothing delays the end.
            and request_read
            and not request.keep_alive
            and self.extras is None
        ):
            send = self.stream.send_last
        try:
            send(b"%b\r\n\r\n%b" % (head, framed))
        except OSError as error:
            raise ClientGoneError from error
        self.sent = len(content)

    def send_content(self, content: bytes, trailers: bytes | None = None) -> None:
        """Send more of the response's content, and its end if there are `trailers`."""
        data = frame_chunks(content, trailers) if self._chunked else content
        if data:
            self.send(data)
            self.sent += len(content)

    def cut_short(self) -> None:
        """Leave the response incomplete; closing the connection then lets the client notice."""
        self.goes_on = False
        if not self._delimited:
            # Only a reset tells this client that the content has not ended.
            self.stream.reset()

    def send_interim(self, request: Request, head: bytes) -> None:
        """Send the head of a 1xx response, which an HTTP/1.0 client would not understand."""
        if request.version:
            self.send(head + b"\r\n\r\n")

    def switch_protocols(self, head: bytes, protocol: bytes, content: bytes) -> None:
        """Send the head of 101 Switching Protocols, and the first bytes of this protocol."""
        self.send(frame_switch(head, protocol, content))

    def skip_body(self, request: Request) -> bool:
        """Drop the request's unread body if all of it is in the buffer; return whether it is."""
        length = max(request.content_length, 0)
        if request.chunked or length > len(self.buffer):
            return False
        self.buffer = self.buffer[length:]
        return True

    def next_request(self) -> Request | None:
        """Read the next request head; return None at the end of the connection. Raises RequestError."""
        limits = self.limits
        stream = self.stream
        data = self.buffer
        if not data or data == EMPTY_LINE:
            context = self.context
            stream.deadline = context.drain_deadline if context.draining else after(self.timeouts.idle)
            self.idle = True
            more = self.recv()
            self.idle = False
            if not more:
                return None
            data += more
        try:
            request = self.heads.parse(data, limits)
            if request is None:
                if data == EMPTY_LINE:
                    # No request has begun. The client may send none, and must then get no 408.
                    self.buffer = data
                    return ClientConnection.next_request(self)
                stream.deadline = after(self.timeouts.read)
                partial = PartialHead(limits)
                partial.add(data)
                while request is None:
                    more = self.recv()
                    if not more:
                        if stream.expired:
                            raise RequestError(408, "the request head did not arrive in time")
                        return None
                    if partial.add(more):
                        data = bytes(partial.data)
                        request = self.heads.parse(data, limits)
        except RequestError:
            # It may be the ClientHello of a client that speaks TLS.
            self.buffer = data
            raise
        stream.deadline = NEVER
        self.buffer = data[request.size :]
        return request

    def _unread(self, stream: Stream) -> None:
        """End the attempt at the server if the client leaves before the response, like nginx and Traefik.

        If response bytes have already arrived, the response has begun, and the client gets all of it.
        """
        server = self.awaiting
        if server is not None and not server.has_bytes() and self.has_left():
            server.expire()

    def watch(self) -> None:
        """Notice if the client leaves while `awaiting` is set, or has left before."""
        self.stream.watch()

    def has_left(self) -> bool:
        """Return whether the client has ended the connection, and set `gone` accordingly."""
        try:
            self.gone = not self.stream.sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        return self.gone

    def refuse_malformed(self, error: RequestError) -> None:
        """Respond to bytes that are no request. Raises ClientGoneError."""
        self.send(build_response(error.status, reason=error.reason))
        self.linger()

    def drain(self, idle_end: float) -> None:
        """End after the next response; if none is due, at `idle_end` (monotonic seconds)."""
        if self.idle:
            stream = self.stream
            stream.deadline = min(stream.deadline, idle_end)

    def has_unread(self) -> bool:
        # In TLS, a client's close_notify is unread bytes, too.
        return self.stream.unread

    def linger(self) -> None:
        """End sending, and read on for a while, so that no reset destroys the response (RFC 9112 §9.6)."""
        stream = self.stream
        stream.shutdown(_socket.SHUT_WR)
        stream.deadline = after(LINGER_SECONDS)
        left = LINGER_BYTES
        while left > 0:
            data = self.recv()
            if not data:
                return
            left -= len(data)


class TrustedConnection(TrustedSide, ClientConnection):
    """The connection of a trusted proxy."""

    __slots__ = ()
