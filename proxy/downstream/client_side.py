"""The client's side of exchanges: what they share, whatever protocol the client speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.forwarded import forwarded_port, pass_on_claims
from proxy.http1.grpc_status import NO_GRPC_STATUS

if TYPE_CHECKING:
    from msgspec import Raw

    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.errors import RequestError
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.client_gone import Awaited
    from proxy.net.client_stream import ClientStream
    from proxy.per_request.extras import Extras
    from proxy.telemetry.completed_request import CountedBody, Observer
    from proxy.telemetry.tracing.trace import RequestTrace, Trace
    from proxy.upstream.endpoint import Target


class ClientSide:
    """The client of one exchange after the other; `peer` and `address` are the client's address.

    `buffer` holds received bytes that are not used yet, and those of a malformed head. `routing_point` is the
    name in the routing table of the entry point, or of its TLS requests. `awaiting` is what the client waits
    for until the response begins, mostly a server's stream, and `gone` means that the client has left
    meanwhile. `relayed` is the stream of the server whose response is under way. `extras` is the extra state
    of the current exchange. For `serving`, which counts and logs, the exchange leaves its outcome: `tally`
    (the router's), `target` (the last server tried), `status`, `sent` (bytes of the body), `refused` (by the
    proxy), `retries` (further servers tried), `body` (the request's, if there was one), `grpc_status` (of a
    gRPC call). `label_set` counts plain requests of this client; `username` is the name in the client's
    credentials, if a middleware has read them; `responder` is the middleware that responded in place of a
    server.
    `observer`, if there is one, gets each request. Attributes that only an observed connection sets
    (`proxy.downstream.observed_connection`) are empty here.
    """

    first_tried_at = 0.0
    logged: Raw | None = None
    origin_head = b""
    sent_head = b""
    request_id = b""
    own_ids = b""
    sampled = False
    traced: RequestTrace | None = None

    __slots__ = (
        "_claimed_lines",
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
        "grpc_status",
        "label_set",
        "limits",
        "observer",
        "peer",
        "port",
        "refused",
        "relayed",
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
        stream: ClientStream,
        peer: str,
        entry_point: str,
        timeouts: ClientTimeouts,
        context: WorkerContext,
        port: int = 0,
        label_set: int = 0,
        observer: Observer | None = None,
    ) -> None:
        self.stream = stream
        self._claimed_lines = b""
        self.entry_point = self.routing_point = entry_point
        self.timeouts = timeouts
        self.context = context
        self.limits = context.limits
        self.buffer = b""
        self.address = address = _format_address(peer)
        self.peer = address.decode()
        self.port = port
        self.label_set = label_set
        self.observer = observer
        self._proto = b"https" if stream.tls_options else b"http"
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
        self.goes_on = True
        self.gone = False
        self.awaiting: Awaited | None = None
        self.relayed: Awaited | None = None
        self.tally = context.tallies.unrouted
        self.target: Target | None = None
        self.status = 0
        self.sent = 0
        self.refused = False
        self.retries = 0
        self.grpc_status = NO_GRPC_STATUS
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

    def begin_attempt(self, request: Request, target: Target) -> None:
        """Note, if the request is `sampled`, that it goes to a server now."""

    def begin_response(self, status: int) -> None:
        """Note, if the request is `sampled`, that a server's response with this status has begun."""

    def content_sent(self) -> None:
        """Note that the server has got what `recv` returned, which was the rest of the request."""

    def forwarded(self, host: bytes) -> bytes:
        """Return the header lines that describe this client to a server."""
        if host and b":" not in host:
            return self._forwarded + host
        lines = self._forwarded_for + b"\r\nX-Forwarded-Port: " + forwarded_port(host, self._proto)
        return lines + b"\r\nX-Forwarded-Host: " + host if host else lines

    if TYPE_CHECKING:
        # A subclass for each protocol defines these, as `proxy.exchange.downstream` describes them.

        def next_request(self) -> Request | None:
            """Return the next request; None if the client sends no more. Raises RequestError."""

        def refuse_malformed(self, error: RequestError) -> None:
            """Respond to what is no request. Raises ClientGoneError."""

        def send_head(
            self,
            request: Request,
            head: bytes,
            length: int,
            request_read: bool,
            content: bytes,
            trailers: bytes | None = None,
        ) -> None: ...

        def send_content(self, content: bytes, trailers: bytes | None = None) -> None: ...

        def send_interim(self, request: Request, head: bytes) -> None: ...

        def switch_protocols(self, head: bytes, protocol: bytes, content: bytes) -> None: ...

        def cut_short(self) -> None: ...

        def recv(self) -> bytes: ...

        def content_decoder(self, request: Request) -> ContentDecoder: ...

        def skip_body(self, request: Request) -> bool: ...

        def watch(self) -> None: ...

        def has_left(self) -> bool: ...

        def linger(self) -> None: ...

        def has_unread(self) -> bool:
            """Return whether received bytes are unread, so that closing would destroy the response."""


class TrustedSide(ClientSide):
    """A trusted proxy, whose `X-Forwarded-*` lines are believed; bases after it bring the protocol."""

    __slots__ = ()

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
