"""Requests on a web entry point that come before all its routers: metrics, ping, API, ACME challenges.

They are counted nowhere and not logged. As in Traefik, the middlewares of the entry point apply to them. They
do not apply to challenges: a password there must not prevent certificates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.exchange.internal_services import metrics_response, ping_response
from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from rondpoint.internal_services import API, PING, PROMETHEUS, REST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request
    from proxy.per_request.local_response import LocalResponse
    from proxy.routing.route import Route
    from proxy.telemetry.exposition.exposition import Exposition

    Finder = Callable[[Request], Match | None]
    """Returns the function that responds to a request, or None."""

_METHODS = frozenset((b"GET", b"HEAD"))
_API = rb"/api(?:/version|/providers(?:/.*)?)?"
_DASHBOARD = rb"/dashboard(?:/.*)?"
_REST = re.compile(rb"/api/providers/(?:rest|web)")


@dataclass(frozen=True, slots=True)
class InternalRoutes:
    """Functions that respond in place of the routing table.

    `by_path` has them by path; `finders` return those of other requests, such as one for a challenge.
    """

    by_path: Mapping[bytes, Match] = field(default_factory=dict)
    finders: tuple[Finder, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.by_path or self.finders)

    def find(self, request: Request) -> Match | None:
        """Return the function for a request, or None."""
        match = self.by_path.get(request.target.partition(b"?")[0])
        if match is not None:
            return match
        for find in self.finders:
            match = find(request)
            if match is not None:
                return match
        return None


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


def api_finder(middlewares: tuple[str, ...], base_path: str, *, dashboard: bool) -> Finder:
    """Return what finds requests for the API of Traefik 1, and for the `dashboard`, below `base_path`.

    Other paths below `/api` are left to routers: in Traefik 1, a server may have them.
    """
    base = re.escape(base_path.rstrip("/").encode())
    reads = re.compile(base + b"(?:" + _API + (b"|/?" if dashboard else b"") + b")")
    pages = re.compile(base + _DASHBOARD) if dashboard else None
    match = _service_route(API, middlewares)

    def find(request: Request) -> Match | None:
        path = request.target.partition(b"?")[0]
        if (request.method in _METHODS and reads.fullmatch(path)) or (pages and pages.fullmatch(path)):
            return match
        return None

    return find


def rest_finder(middlewares: tuple[str, ...]) -> Finder:
    """Return what finds requests that replace the routes of the provider `rest`."""
    match = _service_route(REST, middlewares)

    def find(request: Request) -> Match | None:
        path = request.target.partition(b"?")[0]
        return match if request.method == b"PUT" and _REST.fullmatch(path) else None

    return find


def _service_route(name: str, middlewares: tuple[str, ...]) -> Match:
    """Return the route of an internal service that the admin application serves."""

    def match(request: Request, downstream: Downstream) -> Route | None:
        for step in downstream.context.chains.compile_chain(middlewares, "router", name):
            step(request, downstream)
        raise downstream.context.internal_services[name](request, downstream)

    return match


def _route(name: str, middlewares: tuple[str, ...], respond: Callable[[Request], LocalResponse]) -> Match:
    def match(request: Request, downstream: Downstream) -> Route | None:
        for step in downstream.context.chains.compile_chain(middlewares, "router", name):
            step(request, downstream)
        if request.method not in _METHODS or request.has_body:
            raise RequestError(405, "")
        raise respond(request)

    return match
