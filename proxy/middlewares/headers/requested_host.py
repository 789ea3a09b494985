"""The host and the scheme that a client has used, if proxies in front pass them on in headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.header_lines import first_value

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

RequestedHost = Callable[["Request", "Client"], bytes]
"""Returns the host of a request as sent, with its port; empty if there is none."""

TlsCheck = Callable[["Request", "Client"], bool]
"""Returns whether a client has used TLS."""


def compile_requested_host(options: Mapping[str, Any]) -> RequestedHost:
    """Return the function for `hostsProxyHeaders`: the first of these headers with a value, else the Host."""
    names = [name.encode() for name in options["hostsProxyHeaders"]]

    def requested_host(request: Request, client: Client) -> bytes:
        for name in names:
            value = _first_value(request, client, name)
            if value:
                return value
        # A middleware may have changed the Host that the server gets.
        return first_value(request.headers, b"host")

    return requested_host


def compile_tls_check(options: Mapping[str, Any]) -> TlsCheck:
    """Return the function for `sslProxyHeaders`: TLS to the proxy, or one of these headers with its value."""
    claims = [(name.encode(), value.encode()) for name, value in options["sslProxyHeaders"].items()]
    if not claims:
        return lambda _request, client: bool(client.tls)
    return lambda request, client: (
        bool(client.tls) or any(_first_value(request, client, name) == value for name, value in claims)
    )


def _first_value(request: Request, client: Client, name: bytes) -> bytes:
    """Return the first value of a header as the server will get it; empty if there is none."""
    added = client.forwarded(request.host)
    if client.extras is not None:
        added = client.extras.apply_forwarded_steps(added)
    return first_value(request.headers + added, name)
