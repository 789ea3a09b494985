"""The security options of the middleware headers, as in Traefik 3: accepted hosts, response headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.middlewares.headers.requested_host import RequestedHost

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client, Step

_TEXTS = {
    "contentSecurityPolicy": "Content-Security-Policy",
    "contentSecurityPolicyReportOnly": "Content-Security-Policy-Report-Only",
    "referrerPolicy": "Referrer-Policy",
    "permissionsPolicy": "Permissions-Policy",
}
"""Headers whose values are those of an option."""


def security_values(options: Mapping[str, Any], *, tls: bool) -> dict[str, str]:
    """Return the security headers of responses to clients that use TLS, or of those to the others."""
    found = {header: options[name] for name, header in _TEXTS.items() if options[name]}
    frame = options["customFrameOptionsValue"] or ("DENY" if options["frameDeny"] else "")
    if frame:
        found["X-Frame-Options"] = frame
    if options["contentTypeNosniff"]:
        found["X-Content-Type-Options"] = "nosniff"
    xss = options["customBrowserXSSValue"] or ("1; mode=block" if options["browserXssFilter"] else "")
    if xss:
        found["X-XSS-Protection"] = xss
    if options["isDevelopment"]:
        return found
    seconds = options.get("stsSeconds")
    if seconds and (tls or options["forceSTSHeader"]):
        subdomains = "; includeSubDomains" if options["stsIncludeSubdomains"] else ""
        preload = "; preload" if options["stsPreload"] else ""
        found["Strict-Transport-Security"] = f"max-age={seconds}{subdomains}{preload}"
    if options["publicKey"] and tls:
        found["Public-Key-Pins"] = options["publicKey"]
    return found


def compile_host_check(options: Mapping[str, Any], requested_host: RequestedHost) -> Step | None:
    """Return a step that refuses other hosts than `allowedHosts` with 500; None if all are accepted."""
    allowed = frozenset(host.lower().encode() for host in options["allowedHosts"])
    if not allowed or options["isDevelopment"]:
        return None

    def step(request: Request, client: Client) -> None:
        if requested_host(request, client).lower() not in allowed:
            raise RequestError(500, "bad host: this Host is not allowed here")

    return step
