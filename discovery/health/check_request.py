"""The requests of a health check, as values and as bytes.

As in Traefik 3, `hostname` changes only the Host header, `port` and `scheme` change the destination, and
redirects to any server are followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import printable
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from msgspec import Struct, field

from rondpoint.model import HealthCheck, Server

DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

_GENERATED_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class CheckRequest(Struct, frozen=True):
    """One request. `url` is absolute; `hostname` is the Host header if it differs from the URL's host."""

    url: str
    method: str = "GET"
    hostname: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def uses_tls(self) -> bool:
        """Whether the request goes over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def address(self) -> tuple[str, int]:
        """The host (name or address, without brackets) and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]

    def head(self) -> bytes:
        """Return the bytes to send."""
        parts = urlsplit(self.url)
        target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {self.hostname or _authority(parts)}"]
        lines += [
            f"{name}: {value}"
            for name, value in self.headers.items()
            if name.lower() not in _GENERATED_HEADERS
        ]
        if "user-agent" not in map(str.lower, self.headers):
            lines.append("User-Agent: rondpoint")
        if self.method in _WITH_BODY:
            lines.append("Content-Length: 0")
        lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def is_checkable(server: Server, check: HealthCheck) -> bool:
    """Return whether the check can be made: only HTTP/1.1 is supported."""
    return check.mode == "http" and (check.scheme or server.scheme) in DEFAULT_PORTS


def first_request(server: Server, check: HealthCheck) -> CheckRequest:
    """Return the check's first request to a server, which must be checkable."""
    scheme = check.scheme or server.scheme
    host = f"[{server.host}]" if ":" in server.host else server.host
    path = quote(check.path or "/", safe=printable)
    url = f"{scheme}://{host}:{check.port or server.port}{path}"
    return CheckRequest(url, check.method, check.hostname, check.headers)


def redirected_request(request: CheckRequest, status: int, location: str) -> CheckRequest | None:
    """Return the request that follows a redirect; None if the destination is unusable.

    `location` is the header's value, decoded as latin-1.
    """
    try:
        url = urljoin(request.url, quote(location.encode("latin-1"), safe=printable))
        parts, before = urlsplit(url), urlsplit(request.url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.port == 0:
            return None
    except ValueError:
        return None
    if any(blank in url for blank in " \t\r\n\v\f"):
        return None
    same = _authority(parts) == _authority(before)
    headers = {
        name: value for name, value in request.headers.items() if same or name.lower() not in _SECRET_HEADERS
    }
    # RFC 9110 §15.4 allows a client to continue with GET, and all clients do.
    method = request.method if status in (307, 308) or request.method == "HEAD" else "GET"
    return CheckRequest(url, method, request.hostname if same else "", headers)


def _authority(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{parts.port}"
