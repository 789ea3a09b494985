"""The form that all kinds of middleware have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.per_request.extras import Extras
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import Trace


class Client(Protocol):
    """Who sends the request: `peer` is an address, possibly empty; `forwarded` gives the header lines that
    tell a server of it, for a request with this Host. `tally` is the router's, and `extras` are what is
    wanted of the exchange beyond the request. `detailed_trace` gives the trace that steps are told to.
    """

    peer: str
    tally: Tally
    extras: Extras | None

    def forwarded(self, host: bytes) -> bytes: ...

    def detailed_trace(self) -> Trace | None: ...


Step = Callable[["Request", Client], None]
"""Changes the request on its way to a server. Raises RequestError with what the client is to be answered."""

Compile = Callable[[Mapping[str, Any]], Step]
"""From complete options, in Traefik 3 spelling. Raises ValueError for those that cannot be performed."""

CompileNamed = Callable[[Mapping[str, Any], str], Step]
"""Likewise, for a kind that has to know the middleware's name."""

KINDS: dict[str, CompileNamed] = {}
"""Every kind that is served, by its name in Traefik 3 spelling."""


def kind(name: str) -> Callable[[Compile], Compile]:
    """Register how a kind of middleware is compiled."""

    def register(function: Compile) -> Compile:
        KINDS[name] = lambda options, _name: function(options)
        return function

    return register


def named_kind(name: str) -> Callable[[CompileNamed], CompileNamed]:
    """Register how a kind of middleware is compiled that has to know the middleware's name."""

    def register(function: CompileNamed) -> CompileNamed:
        KINDS[name] = function
        return function

    return register
