"""Leads a request from a parent router to the child router whose service takes it.

The middlewares of each router change the request before the rules of its children are tested. Only requests
whose router has no service come here, so that others pay nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.exchange.middleware_steps import run_middlewares
from proxy.http1.errors import RequestError
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError
from proxy.per_request.local_response import LocalResponse
from rondpoint.entry_points.options import AMBIGUOUS_PATH
from rondpoint.model import MAX_ROUTER_LAYERS
from rondpoint.rules.request_normalisation import decode_path, normalise_path

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.routing.route import Route


def find_leaf(downstream: Downstream, request: Request, route: Route) -> Route:
    """Return the route of the router with a service, below the parent router of `route`.

    Run the middlewares of the routers on the way to it, and leave the tally of the last one on `downstream`.
    Raises ChainError, LocalResponse and RequestError: 404 if no child router matches, 400 if the path may
    lead to another one.
    """
    context = downstream.context
    try:
        for _ in range(1, MAX_ROUTER_LAYERS):
            child = _match_child(downstream, request, route.router.name)
            if child is None:
                raise RequestError(404, "")
            route = child
            if route.tally is None:
                route.tally = context.tallies.for_router(route.router)
            downstream.tally = route.tally
            if route.middlewares:
                run_middlewares(downstream, request, route.middlewares, "router", route.router.name)
            if route.router.service:
                return route
        raise RequestError(503, f"service unavailable: routers are nested {MAX_ROUTER_LAYERS} levels deep")
    except (ChainError, LocalResponse, RequestError):
        request.kind |= STOPPED
        raise


def _match_child(downstream: Downstream, request: Request, parent: str) -> Route | None:
    """Return the route of the child router; raise RequestError if a kept path has another one.

    Paths keep dot segments on some entry points, and may get some from a middleware.
    """
    table, target = downstream.context.table, request.target
    child = table.match_child(parent, request, downstream)
    kept = decode_path(target)
    if kept != normalise_path(target) and table.match_child(parent, request, downstream, kept) is not child:
        raise RequestError(400, AMBIGUOUS_PATH)
    return child
