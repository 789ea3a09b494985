"""A client's connection: reads one request after the other, and sends the responses (RFC 9112 §9)."""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING

from proxy.exchange.errors import ClientGoneError
from proxy.http1.errors import RequestError
from proxy.http1.forwarded import forwarded_port, pass_on_claims
from proxy.http1.partial_head import EMPTY_LINE, PartialHead
from proxy.http1.repeated_heads import RequestHeads
from proxy.http1.response_framing import CHUNKED, CLOSE, KEEP_ALIVE, frame_chunks, frame_switch
from proxy.net.deadlines import NEVER, after

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.client_gone import Awaited
    from proxy.net.stream import Stream
    from proxy.per_request.extras import Extras
    from proxy.telemetry.completed_request import CountedBody, Observer
    from proxy.telemetry.tracing.trace import RequestTrace, Trace
    from proxy.upstream.endpoint import Target

LINGER_SECONDS = 2.0
LINGER_BYTES = 1 << 20


class ClientConnection:
    """One client connection on an entry point; `peer` and `address` are the client's address.

    `heads` parses request heads; `buffer` holds received bytes that are not used yet, and those of a
    malformed head. `routing_point` is the name in the routing table of the entry point, or of its TLS
    requests. `idle` means that the connection waits for the first byte of a request. `awaiting` is what
    the client waits for until the response begins, mostly a server's stream, and `gone` means that the
    client has left meanwhile. `extras` is the extra state of the current exchange. For `serving`, which
    counts and logs, the exchange leaves its outcome: `tally` (the router's), `target` (the last server
    tried), `status`, `sent` (bytes of the body), `refused` (by the proxy), `retries` (further servers
    tried), `body` (the request's, if there was one). `label_set` counts plain requests of this
    connection; `username` is the name in the client's credentials, if a middleware has read them;
    `responder` is the middleware that responded in place of a server.
    `observer`, if there is one, gets each request. Attributes that only an observed connection sets
    (`proxy.downstream.observed_connection`) are empty here.
    """

    first_tried_at = 0.0
    logged = ""
    origin_head = b""
    sent_head = b""
    request_id = b""
    sampled = False
    traced: RequestTrace | None = None

    __slots__ = (
        "_chunked",
        "_delimited",
        "_forwarded",
        "_forwarded_for",
        "_proto",
        "address",
        "awaiting",
        "body",
        "buffer",
        "context",
        "entry_point",
        "extras",
        "goes_on",
        "gone",
        "heads",
        "idle",
        "label_set",
        "limits",
        "observer",
        "peer",
        "port",
        "refused",
        "responder",
        "response",
        "retries",
        "routing_point",
        "sent",
        "status",
        "stream",
        "tally",
        "target",
        "timeouts",
        "username",
    )

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
        self.stream = stream
        # Its deadlines apply to reading; sending stays possible for the error response.
        stream.shutdown_mode = _socket.SHUT_RD
        stream.stall_limit = timeouts.stall
        stream.on_unread = self._unread
        self.entry_point = self.routing_point = entry_point
        self.timeouts = timeouts
        self.context = context
        self.limits = context.limits
        self.buffer = b""
        self.heads = RequestHeads()
        self.address = address = _format_address(peer)
        self.peer = address.decode()
        self.port = port
        self.label_set = label_set
        self.observer = observer
        self._chunked = False
        self._delimited = True
        self._proto = b"http" if stream.plain else b"https"
        self._forwarded_for = (
            b"\r\nX-Forwarded-For: %b\r\nX-Real-Ip: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Server: %b"
            % (address, address, self._proto, context.server_name)
        )
        # Complete except for the Host, if the Host names no port.
        self._forwarded = (
            self._forwarded_for
            + b"\r\nX-Forwarded-Port: "
            + forwarded_port(b"", self._proto)
            + b"\r\nX-Forwarded-Host: "
        )
        self.idle = False
        self.goes_on = True
        self.gone = False
        self.awaiting: Awaited | None = None
        self.tally = context.tallies.unrouted
        self.target: Target | None = None
        self.status = 0
        self.sent = 0
        self.refused = False
        self.retries = 0
        self.username = b""
        self.responder = ""
        self.body: CountedBody | None = None
        self.response: Response | None = None
        self.extras: Extras | None = None

    @property
    def tls(self) -> str:
        """The TLS version and cipher; empty without TLS."""
        return self.context.tallies.label_sets.all[self.label_set].tls

    @property
    def client_subject(self) -> str | None:
        """The subject of the TLS client's certificate; None if it has sent none."""
        certificates = self.stream.client_certificates
        return None if certificates is None else certificates.subject

    def detailed_trace(self) -> Trace | None:
        """Return the request's trace if it should show the steps of middlewares."""
        return None

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

    def forwarded(self, host: bytes) -> bytes:
        """Return the header lines that describe this client to a server."""
        if host and b":" not in host:
            return self._forwarded + host
        lines = self._forwarded_for + b"\r\nX-Forwarded-Port: " + forwarded_port(host, self._proto)
        return lines + b"\r\nX-Forwarded-Host: " + host if host else lines

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


class TrustedConnection(ClientConnection):
    """The connection of a trusted proxy, whose `X-Forwarded-*` lines are believed."""

    __slots__ = ("_claimed_lines",)

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
        self.limits = context.limits_of_trusted
        self._claimed_lines = b""

    def next_request(self) -> Request | None:
        request = super().next_request()
        if request is not None:
            request.headers, self._claimed_lines = pass_on_claims(
                request.headers, request.host, self.address, self._proto, self.context.server_name
            )
        return request

    def forwarded(self, host: bytes) -> bytes:
        return self._claimed_lines


def _format_address(peer: str) -> bytes:
    return peer.removeprefix("::ffff:").partition("%")[0].encode()
