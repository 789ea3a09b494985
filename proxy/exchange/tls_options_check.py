"""Refuses requests on connections that were made with other TLS options than those of the router.

A client chooses the server name of its connection, and with it the TLS options. Another host in the request
must not lead past the client certificate that the options of that host want (RFC 9110 §15.5.20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError
from proxy.http1.protocols import STOPPED

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request
    from proxy.routing.route import Route
    from rondpoint.model import Router


def require_tls_options(router: Router, request: Request, downstream: Downstream) -> None:
    """Raise RequestError unless the connection was made with the TLS options of this router."""
    context = downstream.context
    required = context.table.tls_options.for_router(downstream.entry_point, router.name)
    used = downstream.stream.tls_options
    # On an entry point that it serves without TLS, a router has no options.
    if used and required != used:
        downstream.tally = context.tallies.for_router(router)
        request.kind |= STOPPED
        # No connection can be made with options that are not served, so to others the router does not exist.
        raise RequestError(421 if context.tls_options.serves(required) else 404, "")


def with_tls_options(find: Match) -> Match:
    """Return a function that finds the route of a request on a connection with other than default options.

    Routers with such options check each request themselves; on such connections, all others do, too.
    """

    def match(request: Request, downstream: Downstream) -> Route | None:
        route = find(request, downstream)
        if route is not None:
            require_tls_options(route.router, request, downstream)
        return route

    return match
