"""Handles the requests of the admin entry point: its middlewares, then the admin application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proxy.exchange.middleware_steps import run_middlewares
from proxy.exchange.request_handler import handle_request
from proxy.telemetry.tallies import Tally
from rondpoint.internal_services import API, DASHBOARD, PING, PROMETHEUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.routing.route import Route

_PING = b"/ping"
_RESTRICTIONS = b"\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nCache-Control: no-store"
"""Header lines that all responses of this entry point have."""
_METHODS = frozenset((b"GET", b"HEAD"))
_NAMES = {b"dashboard": DASHBOARD, b"metrics": PROMETHEUS, b"ping": PING}
"""The names under which requests are counted, by the first segment of the path; for others it is API."""


def admin_handler(
    middlewares: tuple[str, ...], base_path: str, *, counted: bool
) -> Callable[[Downstream, Request], bool]:
    """Return the handler of the admin entry point with these middlewares.

    All paths may begin with `base_path`. The middlewares do not apply to `/ping`, so that health checks need
    no password. Requests count as those of routers to internal services if `counted`, else nowhere.
    """
    uncounted = Tally()
    base = base_path.rstrip("/").encode()

    def match(request: Request, downstream: Downstream) -> Route | None:
        context = downstream.context
        context.admin_requests += 1
        path = request.target.partition(b"?")[0]
        if base and path.startswith(base + b"/"):
            path = path[len(base) :]
        name = _NAMES.get(path[1:].partition(b"/")[0], API)
        downstream.tally = context.tallies.internal(name) if counted else uncounted
        if path == _PING and request.method in _METHODS:
            # Health checks do not need the application, which takes memory once it is made.
            response = context.internal_services[PING](request, downstream)
            response.lines += _RESTRICTIONS
            raise response
        if middlewares and path != _PING:
            run_middlewares(downstream, request, middlewares, "router", name)
        assert context.admin_application is not None  # noqa: S101 - set before connections are accepted
        raise context.admin_application(request, downstream)

    return partial(handle_request, match=match)
