"""State of one exchange that only some middlewares and services need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from proxy.http1.body_source import close_pieces
from proxy.http1.response_head import ResponseHead

if TYPE_CHECKING:
    from proxy.buffers.content_buffer import BufferLimits, ContentBuffer
    from proxy.http1.body_filter import BodyFilter
    from proxy.http1.body_source import BodySource
    from proxy.per_request.retries import Retries
    from proxy.per_request.time_limits import TimeLimits
    from proxy.upstream.endpoint import Endpoint

LinesStep = Callable[[bytes], bytes]
"""Returns header lines after a change; each line begins with CRLF."""

ResponseStep = Callable[[ResponseHead], None]
"""Changes the head of the response that goes to the client, whether a server's or the proxy's own.

It may add a filter for the body.
"""


class ClientContent(Protocol):
    """The content of a client's request: whether all of it was received, and how many bytes were.

    `forwarded` means that the request's head has left for the server, which may send 100 Continue itself.
    """

    forwarded: bool

    @property
    def started(self) -> bool: ...

    @property
    def finished(self) -> bool: ...

    @property
    def received(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...


class ProducedContent:
    """The content of a request that a middleware makes: its `pieces`, and the client's content, `source`."""

    __slots__ = ("pieces", "source")

    def __init__(self, pieces: Iterator[bytes], source: ClientContent) -> None:
        self.pieces = pieces
        self.source = source

    def close(self) -> None:
        """Run the `finally` blocks of the generator that yields the pieces."""
        close_pieces(self.pieces)


class Extras:
    """Extra state of one exchange, created only for requests that need it.

    `cookie` is the Set-Cookie line, with a leading CRLF, that keeps the client with the server; `cookies` are
    the lines that keep it with members of composite services. `request_content` is the request's whole
    content, if a middleware has buffered it. `response_limits` are set if the response is to be buffered. A
    response of the server with one of `fallback_statuses` does not go to the client: a failover service has a
    fallback for it. `retrying` decides about further attempts, if a middleware wants some. `preview_bytes`
    says up to which length the response steps want to know the length of a body that does not announce it;
    `needs_body_start` means that they read its first bytes. The response steps leave here the `status` of the
    response, the `body_filter` that changes its body, and the `content` or the `pieces` that replace it.

    `reads_body` means that a response step may read the body before the head is sent. `produced_content`
    replaces the content of the request. `context` is a dict for the Python middlewares of the request.
    `speaks_grpc` means that a response step turns gRPC into what the client understands. `time_limits` are
    set if a middleware limits the time of the exchange.
    """

    __slots__ = (
        "_began",
        "_end_calls",
        "_endpoint",
        "_forwarded_steps",
        "_response_steps",
        "body_filter",
        "content",
        "context",
        "cookie",
        "cookies",
        "fallback_statuses",
        "needs_body_start",
        "pieces",
        "preview_bytes",
        "produced_content",
        "reads_body",
        "request_content",
        "response_limits",
        "retrying",
        "speaks_grpc",
        "status",
        "time_limits",
    )

    def __init__(self) -> None:
        self.cookie = self.cookies = b""
        self.needs_body_start = self.reads_body = self.speaks_grpc = False
        self.preview_bytes = 0
        self.fallback_statuses: frozenset[int] = frozenset()
        self.status = 0
        self.body_filter: BodyFilter | None = None
        self.content: bytes | None = None
        self.pieces: Iterator[bytes] | None = None
        self.produced_content: ProducedContent | None = None
        self.context: dict[str, Any] | None = None
        self.request_content: ContentBuffer | None = None
        self.response_limits: BufferLimits | None = None
        self.retrying: Retries | None = None
        self.time_limits: TimeLimits | None = None
        self._end_calls: list[Callable[[], None]] = []
        self._response_steps: list[ResponseStep] = []
        self._forwarded_steps: tuple[LinesStep, ...] = ()
        self._endpoint: Endpoint | None = None
        self._began = 0.0

    def branch(self) -> Extras:
        """Return extras that start as these are; both have the same calls at the end."""
        other = copy(self)
        other._response_steps = list(self._response_steps)
        return other

    def start_timing(self, endpoint: Endpoint) -> None:
        """Start to measure how long the server at this endpoint takes to respond."""
        self._endpoint = endpoint
        self._began = monotonic()

    def record_response(self) -> None:
        """Record that the server's response has begun."""
        if self._endpoint is not None:
            now = monotonic()
            self._endpoint.observe(now, now - self._began)

    def complete_head(
        self, head: bytes, length: int = 0, body_start: bytes = b"", source: BodySource | None = None
    ) -> bytes:
        """Return the head of the server's response with this exchange's cookies, after the response steps.

        The other arguments are as in `apply_response_steps`.
        """
        return self.apply_response_steps(head + self.cookies + self.cookie, length, body_start, source)

    def at_forwarding(self, step: LinesStep) -> None:
        """Apply this step to the lines that the proxy adds to the request, such as X-Forwarded-For."""
        self._forwarded_steps += (step,)

    def apply_forwarded_steps(self, lines: bytes) -> bytes:
        """Return the lines that the proxy adds to the request, after all steps for them."""
        for step in self._forwarded_steps:
            lines = step(lines)
        return lines

    def at_response(self, step: ResponseStep) -> None:
        """Apply this step to the head of the response; steps added later apply first."""
        self._response_steps.append(step)

    def apply_response_steps(
        self, head: bytes, length: int = 0, body_start: bytes = b"", source: BodySource | None = None
    ) -> bytes:
        """Return `head`, a status line with header lines, after all response steps.

        Set `status`, `body_filter`, `content` and `pieces`, unless there are no steps. `length` is the length
        of the body in bytes, negative if it is unknown; `body_start` are its first bytes, if a step needs
        them; `source` yields the body, if a step may read it.
        """
        if not self._response_steps:
            return head
        value = ResponseHead.parse(head, length)
        value.body_start, value.source = body_start, source
        for step in reversed(self._response_steps):
            step(value)
        self.status, self.body_filter = value.status, value.body_filter
        self.content, self.pieces = value.content, value.pieces
        return value.encode()

    def call_at_end(self, call: Callable[[], None]) -> None:
        """Call this function when the exchange ends, with or without success."""
        self._end_calls.append(call)

    def run_end_calls(self) -> None:
        """Call the functions for the end of the exchange."""
        for call in self._end_calls:
            call()


class ExtrasHolder(Protocol):
    """A client connection that may hold extras of its current exchange."""

    extras: Extras | None


def extras_of(client: ExtrasHolder) -> Extras:
    """Return the extras of the client's current exchange; create them if there are none."""
    extras = client.extras
    if extras is None:
        extras = client.extras = Extras()
    return extras
