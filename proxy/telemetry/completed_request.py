"""Interfaces between the data path and the access log and tracer: completed requests and their observers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from msgspec import Raw

    from proxy.http1.request import Request
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target


class CountedBody(Protocol):
    """A request body that counts its bytes."""

    @property
    def received(self) -> int:
        """Bytes of the body received so far."""


class CompletedRequest(Protocol):
    """A client and the outcome of its request.

    `target` is the last server tried, None if no server was tried. `refused` is true if the response is ours
    and not that server's; `retries` counts the servers tried after the first. `username` is the name in the
    client's credentials, right or wrong, if a middleware has read them. `responder` is the middleware that
    responded in place of a server. `grpc_status` is that of a gRPC call, negative without one. `address` is
    `peer` as bytes.
    `logged` caches the connection's part of the log line; the log sets it.

    Only observed connections set the rest. `first_tried_at` is when the first server was tried (monotonic
    seconds). `origin_head` and `sent_head` are the heads of the server's response and of the response sent to
    the client, without their final CRLF pair. `traced` is the request's trace; the collector gets it if it is
    `sampled`. `own_ids` are drawn header lines: unless the router has settings of its own, they say the same
    as `request_id` and `traced`. Empty ones say nothing.
    """

    peer: str
    port: int
    entry_point: str
    tally: Tally
    target: Target | None
    status: int
    sent: int
    refused: bool
    retries: int
    username: bytes
    responder: str
    grpc_status: int
    body: CountedBody | None

    logged: Raw | None

    @property
    def address(self) -> bytes: ...

    @property
    def tls(self) -> str:
        """TLS version and cipher; empty without TLS."""

    @property
    def client_subject(self) -> str | None:
        """The subject of the TLS client's certificate; None if it has sent none."""

    @property
    def first_tried_at(self) -> float: ...

    @property
    def origin_head(self) -> bytes: ...

    @property
    def sent_head(self) -> bytes: ...

    @property
    def own_ids(self) -> bytes: ...

    @property
    def request_id(self) -> bytes: ...

    @property
    def sampled(self) -> bool: ...

    @property
    def traced(self) -> RequestTrace | None: ...


Add = Callable[[CompletedRequest, "Request", float, float, int], None]
"""Receives a completed request, when it started (monotonic seconds), how long it took, and its number."""


class Observer(Protocol):
    """Receives each request when its response is complete."""

    @property
    def add(self) -> Add:
        """Receive the worker's request `number`, which took `seconds` from `started` (monotonic seconds)."""

    def add_malformed(self, completed: CompletedRequest, status: int, number: int) -> None:
        """Receive a refusal with `status` of bytes that were not a request."""
