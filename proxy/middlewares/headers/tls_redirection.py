"""Redirects clients to TLS: the options sslRedirect, sslHost and sslForceHost of Traefik 1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.http1.request import HOST
from proxy.middlewares.headers.requested_host import RequestedHost, TlsCheck
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client, Step

_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def compile_tls_redirection(
    options: Mapping[str, Any], requested_host: RequestedHost, uses_tls: TlsCheck
) -> Step | None:
    """Return a step that redirects to `https`; None if no option wants it. Raises ValueError for a bad host.

    `sslHost` is the host of the redirection, by default the requested one. With `sslForceHost`, clients that
    use TLS with another host are redirected too.
    """
    chosen = (options.get("sslHost") or "").encode()
    if chosen and not HOST.fullmatch(chosen):
        raise ValueError(f"sslHost {options['sslHost']!r} is not a valid host")
    redirects = options.get("sslRedirect") and not options["isDevelopment"]
    forces_host = options.get("sslForceHost") and chosen
    status = 307 if options.get("sslTemporaryRedirect") else 301
    if not (redirects or forces_host):
        return None

    def step(request: Request, client: Client) -> None:
        host = requested_host(request, client)
        if (redirects and not uses_tls(request, client)) or (forces_host and host.lower() != chosen.lower()):
            raise LocalResponse(status, b"\r\nLocation: " + _secure_url(request, chosen or host))

    return step


def _secure_url(request: Request, host: bytes) -> bytes:
    # A header of a proxy in front may contain anything.
    if not HOST.fullmatch(host):
        raise RequestError(400, "no valid host to redirect to")
    target = _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], request.target)
    return b"https://" + host + target
