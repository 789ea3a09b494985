"""Handles requests of an entry point that has options for all its routers, such as middlewares.

Such an entry point has a handler of its own from the start, so the requests of others do no work for it. It
differs from theirs in one point: in the routes that it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from proxy.exchange.request_handler import handle_request
from proxy.exchange.tls_options_check import with_tls_options
from proxy.http1.errors import RequestError
from proxy.http1.forwarded import without_peer
from proxy.middlewares.rewriting.redirects import has_scheme_and_port
from proxy.per_request.extras import extras_of
from proxy.routing.route import Route
from rondpoint.entry_points.options import AMBIGUOUS_PATH, qualify_middlewares
from rondpoint.entry_points.redirection import ACME_CHALLENGES, Redirection
from rondpoint.model import Router
from rondpoint.rules import expression
from rondpoint.rules.request_normalisation import decode_path, normalise_path

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request
    from rondpoint.entry_points.options import EntryPointOptions

_RAW_CHALLENGES = ACME_CHALLENGES.encode()


def make_handler(
    entry_point: str, options: EntryPointOptions, *, checks_tls_options: bool = False
) -> Callable[[Downstream, Request], bool]:
    """Return the handler of an entry point with these options.

    With `checks_tls_options` it is for connections that were made with other than the default TLS options.
    """
    match: Match = _match_kept_path if options.keeps_paths else _match_path
    if options.middlewares:
        match = _match_with_middlewares(entry_point, options.middlewares, match)
    if options.redirection is not None:
        match = _match_redirection(entry_point, options.middlewares, options.redirection, match)
    if not options.appends_peer:
        match = _match_without_peer(match)
    if checks_tls_options:
        match = with_tls_options(match)
    return partial(handle_request, match=match)


def _match_path(request: Request, downstream: Downstream) -> Route | None:
    """Return the route of a request like `handle_request`."""
    return downstream.context.table.match(downstream.routing_point, request, downstream)


def _match_kept_path(request: Request, downstream: Downstream) -> Route | None:
    """Return the route of a request whose path keeps its dot segments and empty segments.

    A server may resolve the path or not. Raises RequestError if the two paths have different routers:
    either one may protect what the other one does not.
    """
    table, name, target = downstream.context.table, downstream.routing_point, request.target
    route = table.match(name, request, downstream)
    kept = decode_path(target)
    if kept != normalise_path(target) and table.match(name, request, downstream, kept) is not route:
        raise RequestError(400, AMBIGUOUS_PATH)
    return route


def _match_without_peer(find: Match) -> Match:
    """Return a function that finds the route of a request, and leaves the peer out of X-Forwarded-For."""

    def match(request: Request, downstream: Downstream) -> Route | None:
        extras_of(downstream).at_forwarding(without_peer)
        return find(request, downstream)

    return match


def _match_with_middlewares(entry_point: str, middlewares: tuple[str, ...], find: Match) -> Match:
    """Return a function that finds the route of a request, with these middlewares before its own."""

    def match(request: Request, downstream: Downstream) -> Route | None:
        route = find(request, downstream)
        if route is None:
            return None
        known = route.on_entry_points
        found = None if known is None else known.get(entry_point)
        return found or route.with_middlewares(
            entry_point, qualify_middlewares(middlewares, route.router.name)
        )

    return match


def _match_redirection(
    entry_point: str, middlewares: tuple[str, ...], redirection: Redirection, serve: Match
) -> Match:
    """Return a function that finds the route of the redirection; `serve` finds routes that it leaves.

    They are those of routers that take a request all the same, and of requests whose URL is the new one
    already, because a trusted proxy says so.
    """
    name, priority = redirection.name, redirection.priority
    names = (redirection.middleware.name,)
    # As with Traefik, the middlewares of the entry point come before the redirection, too.
    rule = expression.Rule("PathPrefix(`/`)", expression.Match("PathPrefix", ("/",)))
    redirecting = Route(Router(name, rule, name, 0, middlewares=names), frozenset((entry_point,)))
    redirecting = redirecting.with_middlewares(entry_point, qualify_middlewares(middlewares, name))
    is_there = has_scheme_and_port(redirection.middleware.options)

    def match(request: Request, downstream: Downstream) -> Route | None:
        if is_there(request, downstream):
            return serve(request, downstream)
        if priority is not None or request.target.startswith(_RAW_CHALLENGES):
            route = serve(request, downstream)
            # Normalised, because dot segments must not lead to other paths.
            if route is not None and redirection.gives_way(route.router, normalise_path(request.target)):
                return route
        return redirecting

    return match
