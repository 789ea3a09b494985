"""Requests on a web entry point that come before all its routers: `/metrics`, `/ping`, ACME challenges.

They are counted nowhere and not logged. As in Traefik, the middlewares of the entry point apply to `/metrics`
and `/ping`. They do not apply to challenges: a password there must not prevent certificates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.exchange.internal_services import metrics_response, ping_response
from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from rondpoint.internal_services import PING, PROMETHEUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request
    from proxy.per_request.local_response import LocalResponse
    from proxy.routing.route import Route
    from proxy.telemetry.exposition.exposition import Exposition

_METHODS = frozenset((b"GET", b"HEAD"))


@dataclass(frozen=True, slots=True)
class InternalRoutes:
    """Functions that respond in place of the routing table.

    `by_path` has them by path; `challenges` returns that of a request for a challenge.
    """

    by_path: Mapping[bytes, Match] = field(default_factory=dict)
    challenges: Callable[[Request], Match | None] | None = None

    def __bool__(self) -> bool:
        return bool(self.by_path) or self.challenges is not None

    def find(self, request: Request) -> Match | None:
        """Return the function for a request, or None."""
        match = self.by_path.get(request.target.partition(b"?")[0])
        if match is None and self.challenges is not None:
            match = self.challenges(request)
        return match


NO_ROUTES = InternalRoutes()


def respond_internally(downstream: Downstream, request: Request, match: Match) -> bool:
    """Respond with an internal route; return whether the connection can take another. Raises ClientGoneError.

    The outcome is taken off the connection again, because the request is not counted.
    """
    try:
        return handle_request(downstream, request, match)
    finally:
        downstream.refused, downstream.username = False, b""
        if downstream.extras is not None:
            downstream.extras.run_end_calls()
            downstream.extras = None


def metrics_route(middlewares: tuple[str, ...], exposition: Exposition) -> Match:
    """Return the route of `/metrics` behind these middlewares."""
    return _route(PROMETHEUS, middlewares, lambda request: metrics_response(exposition, request))


def ping_route(middlewares: tuple[str, ...], status: Callable[[], int]) -> Match:
    """Return the route of `/ping` behind these middlewares; `status` returns its status."""
    return _route(PING, middlewares, lambda _request: ping_response(status))


def _route(name: str, middlewares: tuple[str, ...], respond: Callable[[Request], LocalResponse]) -> Match:
    def match(request: Request, downstream: Downstream) -> Route | None:
        for step in downstream.context.chains.compile_chain(middlewares, "router", name):
            step(request, downstream)
        if request.method not in _METHODS or request.has_body:
            raise RequestError(405, "")
        raise respond(request)

    return match
