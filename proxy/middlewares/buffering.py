"""The middleware buffering, as in Traefik 3: whole bodies in both directions, with limits, and retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxy.buffers.content_buffer import BufferLimits, ContentBuffer
from proxy.buffers.disk_file import DiskError
from proxy.http1.errors import RequestError
from proxy.middlewares.failures.retry_condition import Attempt, Test, compile_retry_condition
from proxy.middlewares.request_content import ContentTooLargeError, receive_content
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from proxy.per_request.retries import ConditionalRetries

if TYPE_CHECKING:
    from proxy.http1.request import Request

DEFAULT_MEMORY = 1 << 20
"""Bytes in memory if the option is 0, as in Traefik."""


@kind("buffering")
def buffering(options: Mapping[str, Any]) -> Step:
    """Read the request's whole body before a server gets it, and have the response buffered, too."""
    request_limits = _limits(options, "Request")
    response_limits = _limits(options, "Response")
    expression = options["retryExpression"]
    condition = _read_condition(expression) if expression else None

    def step(request: Request, client: Client) -> None:
        extras = extras_of(client)
        if request.has_body and (extras.request_content is None or extras.produced_content is not None):
            extras.request_content = _receive(request, client, request_limits)
        elif 0 < request_limits.most < request.content_length:
            raise _too_large()
        extras.response_limits = _stricter(response_limits, extras.response_limits)
        if condition is not None:
            extras.retrying = ConditionalRetries(_bind(condition, request.method.decode("latin-1")))

    return step


def _read_condition(expression: str) -> Test:
    # Its library takes 2 MB, which a worker without such conditions does not need.
    from rondpoint.middlewares.retry_parser import parse_retry_expression  # noqa: PLC0415

    return compile_retry_condition(parse_retry_expression(expression))


def _limits(options: Mapping[str, Any], side: str) -> BufferLimits:
    memory = options[f"mem{side}BodyBytes"] or DEFAULT_MEMORY
    return BufferLimits(options[f"max{side}BodyBytes"], memory)


def _stricter(limits: BufferLimits, other: BufferLimits | None) -> BufferLimits:
    """Return the limits that hold if another such middleware of the router has limits, too."""
    if other is None:
        return limits
    most = min(filter(None, (limits.most, other.most)), default=0)
    return BufferLimits(most, min(limits.memory, other.memory))


def _receive(request: Request, client: Client, limits: BufferLimits) -> ContentBuffer:
    """Return the request's content. Raises RequestError."""
    buffer = ContentBuffer(limits.memory)
    extras_of(client).call_at_end(buffer.close)
    try:
        for piece in receive_content(request, client, limits.most or -1):
            buffer.add(piece)
    except ContentTooLargeError:
        raise _too_large() from None
    except DiskError as error:
        # What was received of the body is gone, so nobody can tell where the next request begins.
        request.keep_alive = False
        raise RequestError(500, "the request body cannot be buffered") from error
    return buffer


def _too_large() -> RequestError:
    return RequestError(413, "the request body is too large")


def _bind(condition: Test, method: str) -> Callable[[int, int], bool]:
    return lambda number, status: condition(Attempt(number, status, method))
