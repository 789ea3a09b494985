"""Handles requests of an entry point that has options for all its routers: middlewares, a redirection.

Such an entry point has a handler of its own from the start, so the requests of others do no work for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from proxy.http1.protocols import STOPPED
from proxy.middlewares.chains import ChainError, Chains
from proxy.per_request.local_response import LocalResponse
from rondpoint.entry_points.redirection import ACME_CHALLENGES
from rondpoint.rules.request_normalisation import normalise_path

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.routing.route import Route
    from rondpoint.entry_points.options import EntryPointOptions
    from rondpoint.entry_points.redirection import Redirection

Handler = Callable[["Downstream", "Request"], bool]

_RAW_CHALLENGES = ACME_CHALLENGES.encode()


def make_handler(entry_point: str, options: EntryPointOptions, chains: Chains) -> Handler:
    """Return the handler of an entry point with these options; `chains` get its own middlewares."""
    for middleware in options.own.values():
        chains.put(middleware)
    handle: Handler = handle_request
    if options.middlewares:
        handle = partial(handle_request, match=_add_middlewares(entry_point, options.middlewares))
    if options.redirection is not None:
        handle = _redirect(options.redirection, handle)
    return handle


def _add_middlewares(
    entry_point: str, middlewares: tuple[str, ...]
) -> Callable[[Request, Downstream], Route | None]:
    """Return a function that finds the route of a request, with these middlewares before its own."""

    def match(request: Request, downstream: Downstream) -> Route | None:
        route = downstream.context.table.match(entry_point, request, downstream)
        if route is None:
            return None
        known = route.on_entry_points
        found = None if known is None else known.get(entry_point)
        return found or route.with_middlewares(entry_point, middlewares)

    return match


def _redirect(redirection: Redirection, serve: Handler) -> Handler:
    """Return a handler that redirects requests; `serve` handles those that routers take all the same."""
    names = (redirection.middleware.name,)
    priority = redirection.priority

    def handle(downstream: Downstream, request: Request) -> bool:
        context = downstream.context
        if priority is not None or request.target.startswith(_RAW_CHALLENGES):
            route = context.table.match(downstream.entry_point, request, downstream)
            # Normalised, because dot segments must not lead to other paths.
            if route is not None and redirection.gives_way(route.router, normalise_path(request.target)):
                return serve(downstream, request)
        status, reason = 503, ""
        try:
            for step in context.chains.compile_chain(names, "router", redirection.name):
                step(request, downstream)
        except LocalResponse as response:
            _count(downstream, request, redirection)
            return downstream.respond(request, response)
        except RequestError as error:
            status, reason = error.status, error.reason
        except ChainError as error:
            reason = f"service unavailable: {error}"
        else:
            # The client's URL is the new one already, as a trusted proxy says.
            return serve(downstream, request)
        _count(downstream, request, redirection)
        return downstream.refuse(request, status, reason)

    return handle


def _count(downstream: Downstream, request: Request, redirection: Redirection) -> None:
    downstream.tally = downstream.context.tallies.internal(redirection.name)
    request.kind |= STOPPED
