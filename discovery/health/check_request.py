"""The requests of a health check, as values and as bytes.

As in Traefik 3, `hostname` changes the Host header alone, `port` and `scheme` where the request goes, and a
redirection is followed wherever it leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import printable
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from msgspec import Struct, field

from rondpoint.model import HealthCheck, Server

DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECTING = frozenset({301, 302, 303, 307, 308})

_GENERATED_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class CheckRequest(Struct, frozen=True):
    """One request: `url` is whole, `hostname` the Host header where it is not the URL's own."""

    url: str
    method: str = "GET"
    hostname: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """Whether it goes over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to: name or address, without brackets, and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]

    def head(self) -> bytes:
        """The bytes to send."""
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
    """Whether the check can be made: other protocols than HTTP/1.1 are not spoken."""
    return check.mode == "http" and (check.scheme or server.scheme) in DEFAULT_PORTS


def first_request(server: Server, check: HealthCheck) -> CheckRequest:
    """What the check asks of a server, which must be askable."""
    scheme = check.scheme or server.scheme
    host = f"[{server.host}]" if ":" in server.host else server.host
    path = quote(check.path or "/", safe=printable)
    url = f"{scheme}://{host}:{check.port or server.port}{path}"
    return CheckRequest(url, check.method, check.hostname, check.headers)


def redirected_request(request: CheckRequest, status: int, location: str) -> CheckRequest | None:
    """Where a redirection leads; None where that is nowhere that can be asked.

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
    # RFC 9110 §15.4 lets a client go on with GET, and all do.
    method = request.method if status in (307, 308) or request.method == "HEAD" else "GET"
    return CheckRequest(url, method, request.hostname if same else "", headers)


def _authority(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{parts.port}"
