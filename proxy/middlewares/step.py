"""Types for middleware steps, and the registry of middleware kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.per_request.extras import Extras
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import Trace


class Client(Protocol):
    """The client of a request: `peer` is its address, or empty.

    `username` is for the access log: a step sets it to the name in the client's credentials, right or wrong.
    `status` is the response's, or 499 before it begins. `tally` is the router's; `extras` hold additional
    tasks for the exchange. `forwarded` returns the X-Forwarded header lines for a request with this Host.
    `detailed_trace` returns the trace that records steps, if any. `tls` is the TLS version and cipher of the
    connection, empty without TLS.
    """

    peer: str
    status: int
    username: bytes
    tally: Tally
    extras: Extras | None

    @property
    def tls(self) -> str: ...

    def forwarded(self, host: bytes) -> bytes: ...

    def detailed_trace(self) -> Trace | None: ...


Step = Callable[["Request", Client], None]
"""Changes a request before it is sent to a server. Raises RequestError with the response for the client."""

Compile = Callable[[Mapping[str, Any]], Step]
"""Compiles complete options, in Traefik 3 spelling. Raises ValueError for options that cannot be applied."""

CompileNamed = Callable[[Mapping[str, Any], str], Step]
"""Compiles options for a kind that needs the middleware's name."""

KINDS: dict[str, CompileNamed] = {}
"""All served kinds, by their names in Traefik 3 spelling."""


def kind(name: str) -> Callable[[Compile], Compile]:
    """Register the function that compiles a kind of middleware."""

    def register(function: Compile) -> Compile:
        KINDS[name] = lambda options, _name: function(options)
        return function

    return register


def named_kind(name: str) -> Callable[[CompileNamed], CompileNamed]:
    """Register the function that compiles a kind of middleware and needs the middleware's name."""

    def register(function: CompileNamed) -> CompileNamed:
        KINDS[name] = function
        return function

    return register
