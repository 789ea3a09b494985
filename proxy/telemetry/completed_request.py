"""What the access log is told of an answered request, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target


class CountedBody(Protocol):
    @property
    def received(self) -> int:
        """Bytes of the request's body that have come."""


class CompletedRequest(Protocol):
    """Who asked, and what became of it; `target` is the server asked last, if one was.

    `refused` tells that the answer is ours and not that server's; `retries` counts further servers tried.
    `address` is `peer` as bytes. Where that is observed: `asked_at` is when the first server was asked
    (monotonic s); `origin_head` and `sent_head` are the heads of a server's response and of what was sent,
    without their final CRLF pair;
    `traced` is the request's part of its trace, of which a collector is told if it is `sampled`. `logged` is
    the log's to keep what it says of the connection.
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
    body: CountedBody | None

    logged: str

    @property
    def address(self) -> bytes: ...

    @property
    def tls(self) -> str:
        """Version and cipher, empty without."""

    @property
    def asked_at(self) -> float: ...

    @property
    def origin_head(self) -> bytes: ...

    @property
    def sent_head(self) -> bytes: ...

    @property
    def request_id(self) -> bytes: ...

    @property
    def sampled(self) -> bool: ...

    @property
    def traced(self) -> RequestTrace | None: ...


class Observer(Protocol):
    """Told of each request once it is answered."""

    def add(self, answered: CompletedRequest, request: Request, seconds: float, number: int) -> None:
        """It was the worker's request `number`, and took `seconds` until now."""

    def add_malformed(self, answered: CompletedRequest, status: int, number: int) -> None:
        """What was refused so was no request."""
