"""State of one exchange that only some middlewares and services need."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.http1.response_head import ResponseHead

if TYPE_CHECKING:
    from proxy.buffers.content_buffer import BufferLimits, ContentBuffer
    from proxy.http1.body_filter import BodyFilter
    from proxy.per_request.retries import Retries
    from proxy.upstream.endpoint import Endpoint

LinesStep = Callable[[bytes], bytes]
"""Returns header lines after a change; each line begins with CRLF."""

ResponseStep = Callable[[ResponseHead], None]
"""Changes the head of the response that goes to the client, whether a server's or the proxy's own.

It may add a filter for the body.
"""


class Extras:
    """Extra state of one exchange, created only for requests that need it.

    `cookie` is the Set-Cookie line, with a leading CRLF, that keeps the client with the server; `cookies` are
    the lines that keep it with members of composite services. `request_content` is the request's whole
    content, if a middleware has buffered it. `response_limits` are set if the response is to be buffered. A
    response of the server with one of `fallback_statuses` does not go to the client: a failover service has a
    fallback for it. `retrying` decides about further attempts, if a middleware wants some. `preview_bytes`
    says up to which length the response steps want to know the length of a body that does not announce it;
    `needs_body_start` means that they read its first bytes. The response steps leave here the `status` of the
    response, the `body_filter` that changes its body, and the `content` that replaces it.
    """

    __slots__ = (
        "_began",
        "_end_calls",
        "_endpoint",
        "_forwarded_steps",
        "_response_steps",
        "body_filter",
        "content",
        "cookie",
        "cookies",
        "fallback_statuses",
        "needs_body_start",
        "preview_bytes",
        "request_content",
        "response_limits",
        "retrying",
        "status",
    )

    def __init__(self) -> None:
        self.cookie = self.cookies = b""
        self.needs_body_start = False
        self.preview_bytes = 0
        self.fallback_statuses: frozenset[int] = frozenset()
        self.status = 0
        self.body_filter: BodyFilter | None = None
        self.content: bytes | None = None
        self.request_content: ContentBuffer | None = None
        self.response_limits: BufferLimits | None = None
        self.retrying: Retries | None = None
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

    def complete_head(self, head: bytes, length: int = 0, body_start: bytes = b"") -> bytes:
        """Return the head of the server's response with this exchange's cookies, after the response steps.

        `length` and `body_start` are as in `apply_response_steps`.
        """
        return self.apply_response_steps(head + self.cookies + self.cookie, length, body_start)

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

    def apply_response_steps(self, head: bytes, length: int = 0, body_start: bytes = b"") -> bytes:
        """Return `head`, a status line with header lines, after all response steps.

        Set `status`, `body_filter` and `content`, unless there are no steps. `length` is the length of the
        body in bytes, negative if it is unknown; `body_start` are its first bytes, if a step needs them.
        """
        if not self._response_steps:
            return head
        value = ResponseHead.parse(head, length)
        value.body_start = body_start
        for step in reversed(self._response_steps):
            step(value)
        self.status, self.body_filter, self.content = value.status, value.body_filter, value.content
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
