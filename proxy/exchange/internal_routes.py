"""Requests on a web entry point that come before all its routers: `/metrics`, `/ping`, ACME challenges.

They are counted nowhere and not logged. As in Traefik, the middlewares of the entry point apply to `/metrics`
and `/ping`. They do not apply to challenges: a password there must not prevent certificates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request
    from proxy.routing.route import Route
    from proxy.telemetry.exposition.exposition import Exposition

_ACCEPT = re.compile(rb"\r\n(?i:accept):[ \t]*([^\r\n]*)")
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

    def respond(request: Request) -> LocalResponse:
        accept = _ACCEPT.search(request.headers)
        scope = b"scope=installation" in request.target.partition(b"?")[2].split(b"&")
        found = exposition.respond(
            "installation" if scope else "", accept[1].decode("latin-1") if accept else ""
        )
        lines = b"\r\nContent-Type: " + found.content_type.encode()
        return LocalResponse(found.status, lines, pieces=found.pieces)

    return _route("prometheus@internal", middlewares, respond)


def ping_route(middlewares: tuple[str, ...], status: Callable[[], int]) -> Match:
    """Return the route of `/ping` behind these middlewares; `status` returns its status."""

    def respond(_request: Request) -> LocalResponse:
        found = status()
        lines = b"\r\nContent-Type: text/plain; charset=utf-8"
        return LocalResponse(found, lines, HTTPStatus(found).phrase.encode())

    return _route("ping@internal", middlewares, respond)


def _route(name: str, middlewares: tuple[str, ...], respond: Callable[[Request], LocalResponse]) -> Match:
    def match(request: Request, downstream: Downstream) -> Route | None:
        for step in downstream.context.chains.compile_chain(middlewares, "router", name):
            step(request, downstream)
        if request.method not in _METHODS or request.has_body:
            raise RequestError(405, "")
        raise respond(request)

    return match
