"""The requests of a health check, as values and as bytes.

As in Traefik 3, `hostname` changes only the Host header, `port` and `scheme` change the destination, and
redirects to any server are followed. Unlike Traefik's, a gRPC check has the hostname and the headers too, and
goes over TLS if the server does.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import printable
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from msgspec import Struct, field

from discovery.health import grpc_check
from rondpoint.model import HealthCheck, Server

DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

_GENERATED_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class CheckRequest(Struct, frozen=True):
    """One request. `url` is absolute; `hostname` is the Host header if it differs from the URL's host.

    `http2` means that it goes over HTTP/2, without TLS by prior knowledge (h2c).
    """

    url: str
    method: str = "GET"
    hostname: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    http2: bool = False

    @property
    def uses_tls(self) -> bool:
        """Whether the request goes over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def address(self) -> tuple[str, int]:
        """The host (name or address, without brackets) and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]

    def fields(self) -> list[tuple[str, str]]:
        """Return the fields to send over HTTP/2."""
        parts = urlsplit(self.url)
        return [
            (":method", self.method),
            (":scheme", parts.scheme),
            (":path", _target(parts)),
            (":authority", self.hostname or _authority(parts)),
            *((name.lower(), value) for name, value in self._sent_headers()),
        ]

    def head(self) -> bytes:
        """Return the bytes to send over HTTP/1.1."""
        parts = urlsplit(self.url)
        lines = [f"{self.method} {_target(parts)} HTTP/1.1", f"Host: {self.hostname or _authority(parts)}"]
        lines += [f"{name}: {value}" for name, value in self._sent_headers()]
        if self.method in _WITH_BODY:
            lines.append("Content-Length: 0")
        lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _sent_headers(self) -> list[tuple[str, str]]:
        found = [
            (name, value) for name, value in self.headers.items() if name.lower() not in _GENERATED_HEADERS
        ]
        if "user-agent" not in map(str.lower, self.headers):
            found.append(("User-Agent", "rondpoint"))
        return found


def first_request(server: Server, check: HealthCheck) -> CheckRequest:
    """Return the check's first request to a server."""
    scheme = check.scheme or server.scheme
    host = f"[{server.host}]" if ":" in server.host else server.host
    address = f"{'https' if scheme == 'https' else 'http'}://{host}:{check.port or server.port}"
    if check.mode == "grpc":
        headers = grpc_check.call_fields(check.timeout, check.headers)
        return CheckRequest(address + grpc_check.METHOD_PATH, "POST", check.hostname, headers, http2=True)
    path = quote(check.path or "/", safe=printable)
    return CheckRequest(address + path, check.method, check.hostname, check.headers, http2=scheme == "h2c")


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
    return CheckRequest(url, method, request.hostname if same else "", headers, same and request.http2)


def _target(parts: SplitResult) -> str:
    return parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()


def _authority(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{parts.port}"
