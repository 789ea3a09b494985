"""The protocol that a client's connection, or one stream of it, implements for the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.middlewares.step import Client

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.limits import Limits
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.client_gone import Awaited
    from proxy.net.client_stream import ClientStream
    from proxy.telemetry.completed_request import CountedBody
    from proxy.upstream.endpoint import Target


class Downstream(Client, Protocol):
    """The sender of the request, and the receiver of its response.

    `routing_point` is the name in the routing table of the entry point, or of its TLS requests.
    `buffer` holds received bytes that are not used yet, and `stream` gives more. `awaiting` is the stream of
    the server for which the client waits: until the response begins, or, if it is buffered, until it is
    complete; also that of an auxiliary server. If the client leaves meanwhile, the stream ends, and `gone` is
    set. `relayed` is the stream of the server whose response is under way. `goes_on` says whether another
    request may follow the response that was begun last. The exchange leaves its outcome in `target` (the last
    server tried), `status`, `sent` (body bytes), `body` (the request's, if it has one), `response`, `refused`
    (by the proxy), `responder` (the middleware that responded in place of a server), `retries` (further
    servers tried) and `grpc_status`. If the request is `sampled`, the exchange calls `begin_attempt` and
    `begin_response`.

    Content of a known length may also go straight to `stream`, if that is plain; `sent` then counts it.
    """

    awaiting: Awaited | None
    body: CountedBody | None
    buffer: bytes
    context: WorkerContext
    entry_point: str
    goes_on: bool
    gone: bool
    grpc_status: int
    limits: Limits
    refused: bool
    relayed: Awaited | None
    responder: str
    response: Response | None
    retries: int
    routing_point: str
    sampled: bool
    sent: int
    status: int
    stream: ClientStream
    target: Target | None
    timeouts: ClientTimeouts

    def begin_attempt(self, request: Request, target: Target) -> None:
        """Note, if the request is `sampled`, that it goes to a server now."""

    def begin_response(self, status: int) -> None:
        """Note, if the request is `sampled`, that a server's response with this status has begun.

        Its status may be retried, after which another attempt follows.
        """

    def send_head(
        self,
        request: Request,
        head: bytes,
        length: int,
        request_read: bool,
        content: bytes,
        trailers: bytes | None = None,
    ) -> None:
        """Begin the response: send `head`, a status line with header lines, and the first bytes of content.

        `length` is that of the whole content; if it is negative, the content ends with the call that has
        `trailers`, which are lines or empty. `request_read` says whether all of the request was read; if not,
        the connection ends with the response. Sets `goes_on`. Raises ClientGoneError.
        """

    def send_content(self, content: bytes, trailers: bytes | None = None) -> None:
        """Send more of the response's content; `trailers` are as in `send_head`. Raises ClientGoneError."""

    def cut_short(self) -> None:
        """End a response whose content is incomplete, so that the client notices (RFC 9112 §8)."""

    def switch_protocols(self, head: bytes, protocol: bytes, content: bytes) -> None:
        """Send the head of 101 Switching Protocols, and the first bytes of this protocol.

        Raises ClientGoneError.
        """

    def recv(self) -> bytes:
        """Return more bytes from the client; b"" at the end, after an error or a passed deadline."""

    def content_sent(self) -> None:
        """Note that the server has got what `recv` returned, which was the rest of the request."""

    def skip_body(self, request: Request) -> bool:
        """Drop the request's unread body if all of it has been received; return whether it has."""

    def has_left(self) -> bool:
        """Return whether the client has ended the connection, and set `gone` if so."""

    def linger(self) -> None:
        """End the sending side, and read on for a while, so that no reset destroys the response."""
