"""The protocol that a client's connection, or one stream of it, implements for the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.middlewares.step import Client

if TYPE_CHECKING:
    from proxy.context import ClientTimeouts, WorkerContext
    from proxy.http1.limits import Limits
    from proxy.http1.request import Request
    from proxy.http1.response import Response
    from proxy.net.stream import Stream
    from proxy.per_request.local_response import LocalResponse
    from proxy.telemetry.completed_request import CountedBody
    from proxy.upstream.endpoint import Target


class Downstream(Client, Protocol):
    """The sender of the request, and the receiver of its response.

    `buffer` holds received bytes that are not used yet, and `stream` gives more. `awaiting` is the server's
    stream from the request's first byte until the response begins. `gone` means that the client has left
    meanwhile. The exchange leaves its outcome in `target` (the last server tried), `status`, `sent` (body
    bytes), `body` (the request's, if it has one), `response`, `retries` (further servers tried) and
    `responder` (the middleware that responded in place of a server).
    """

    awaiting: Stream | None
    body: CountedBody | None
    buffer: bytes
    context: WorkerContext
    entry_point: str
    gone: bool
    limits: Limits
    responder: str
    response: Response | None
    retries: int
    sent: int
    status: int
    stream: Stream
    target: Target | None
    timeouts: ClientTimeouts

    def send(self, data: bytes) -> None:
        """Send bytes to the client. Raises ClientGoneError."""

    def recv(self) -> bytes:
        """Return more bytes from the client; b"" at the end, after an error or a passed deadline."""

    def refuse(
        self, request: Request, status: int, reason: str = "", *, body_read: bool = False, allow: str = ""
    ) -> bool:
        """Respond with an error of the proxy's own; return whether another request can follow.

        `body_read` means that the request's body was read; `allow` lists methods for the `Allow` header.
        Raises ClientGoneError.
        """

    def respond(self, request: Request, response: LocalResponse, *, body_read: bool = False) -> bool:
        """Respond as `refuse` does, but with this response, such as a redirection."""

    def has_left(self) -> bool:
        """Return whether the client has ended the connection, and set `gone` if so."""

    def linger(self) -> None:
        """End the sending side, and read on for a while, so that no reset destroys the response."""
