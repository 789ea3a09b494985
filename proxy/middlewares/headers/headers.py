"""The middleware headers, as in Traefik 3: cross-origin requests, custom headers and security headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.headers.cross_origin import compile_cross_origin
from proxy.middlewares.headers.custom_headers import compile_request_headers
from proxy.middlewares.headers.requested_host import TlsCheck, compile_requested_host, compile_tls_check
from proxy.middlewares.headers.security_headers import compile_host_check, security_values
from proxy.middlewares.headers.tls_redirection import compile_tls_redirection
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.extras import extras_of
from rondpoint.middlewares.framing_headers import refuse_framing_headers

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("headers")
def headers(options: Mapping[str, Any]) -> Step:
    """Change headers of request and response; respond to preflights; refuse or redirect.

    Of the response, the security headers are set first, then the custom ones, then those for other origins.
    """
    requested_host = compile_requested_host(options)
    uses_tls = compile_tls_check(options)
    # The steps change the response in the reverse order.
    candidates = (
        compile_cross_origin(options),
        compile_request_headers(options["customRequestHeaders"]),
        _compile_response_headers(options, uses_tls),
        compile_host_check(options, requested_host),
        compile_tls_redirection(options, requested_host, uses_tls),
    )
    steps = tuple(step for step in candidates if step is not None)
    if len(steps) == 1:
        return steps[0]

    def run_all(request: Request, client: Client) -> None:
        for step in steps:
            step(request, client)

    return run_all


def _compile_response_headers(options: Mapping[str, Any], uses_tls: TlsCheck) -> Step | None:
    """Return a step that sets the security headers and the custom ones; None if there are none."""
    custom = options["customResponseHeaders"]
    refuse_framing_headers(custom)
    values = {**security_values(options, tls=False), **custom}
    values_over_tls = {**security_values(options, tls=True), **custom}
    if not values_over_tls:
        return None
    change, change_over_tls = _compile_change(values), _compile_change(values_over_tls)
    if values == values_over_tls:
        return lambda _request, client: extras_of(client).at_response(change)

    def step(request: Request, client: Client) -> None:
        extras_of(client).at_response(change_over_tls if uses_tls(request, client) else change)

    return step


def _compile_change(values: Mapping[str, str]) -> Callable[[ResponseHead], None]:
    changes = HeaderChanges(values) if values else None

    def change(head: ResponseHead) -> None:
        if changes is not None:
            head.lines = changes.apply(head.lines)

    return change
