"""The request that `/api/explain` is asked about, read as the proxy would read it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from proxy.downstream.trusted_peers import Trust
from proxy.http1.errors import RequestError
from proxy.http1.forwarded import pass_on_claims
from proxy.http1.limits import Limits, limits_of
from proxy.http1.request import Request, parse_request
from proxy.routing.request_attributes import headers, query
from rondpoint.rules.hosts import HostError, normalise
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.request_normalisation import normalise_host, normalise_path
from rondpoint.settings import ADMIN, Settings

_PORTS = {"http": 80, "https": 443}
_AS_WRITTEN = "/%:@!$&'()*+,;=~?#[]\\|^`{}\"<>"


class AskedError(ValueError):
    """A question that cannot be read, or a request that no router would be asked about."""


class Asked(Struct, frozen=True):
    entry_point: str
    facts: Facts


class _Client(Struct):
    """Who asks, and what the proxy tells servers of it."""

    peer: str
    lines: bytes = b""

    def forwarded(self, host: bytes) -> bytes:
        del host
        return self.lines


def read_asked(arguments: MultiDict[str, str], settings: Settings) -> Asked:
    """From the query of a request to the API. Raises AskedError.

    Without `entryPoint` it is the one that listens on the port of `url`, else the first by default. Without
    `client` it is nobody's in particular, whose `X-Forwarded-*` are believed.
    """
    parts = _url(arguments.get("url", "").strip())
    entry_point = _entry_point(
        arguments.get("entryPoint", ""), parts.port or _PORTS.get(parts.scheme, 0), settings
    )
    peer = _client(arguments.get("client", "").strip())
    point = settings.entry_points[entry_point]
    forwarding = point.forwarded_headers
    trusted = not peer or Trust(forwarding.insecure, forwarding.trusted_ips).includes(peer)
    limits = limits_of(Limits(), point.headers_with_underscores, trusted=trusted)
    given = [_line(header) for header in arguments.getlist("header")]
    head = _head(arguments.get("method", "GET").upper(), parts, given)
    try:
        request = parse_request(head, limits)
    except RequestError as error:
        raise AskedError(f"such a request is answered {error.status}: {error}") from None
    if request is None:
        raise AskedError("the request cannot be read")
    return Asked(entry_point, _facts(request, _Client(peer), parts.scheme.encode()))


def _url(url: str) -> SplitResult:
    if not url:
        raise AskedError("url is missing: ?url=http://app.example.com/path")
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError as error:
        raise AskedError(f"url {url!r} cannot be read: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AskedError(f"url {url!r} is not one such as http://app.example.com/path")
    return parts


def _client(peer: str) -> str:
    try:
        address = ip_address(peer) if peer else None
    except ValueError:
        raise AskedError(f"client {peer!r} is not an address") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address or "")


def _head(method: str, parts: SplitResult, given: list[bytes]) -> bytes:
    """The head that a client would send; a `Host` among the headers goes before that of the URL."""
    target = quote(parts.path or "/", safe=_AS_WRITTEN)
    if parts.query:
        target += "?" + quote(parts.query, safe=_AS_WRITTEN)
    own = any(line.partition(b":")[0].lower() == b"host" for line in given)
    lines = given if own else [b"Host: " + _host(parts), *given]
    first = f"{method} {target} HTTP/1.1".encode()
    return b"\r\n".join([first, *lines, b"", b""])


def _host(parts: SplitResult) -> bytes:
    """As browsers write it: names outside ASCII as in the DNS, addresses of IPv6 in brackets."""
    try:
        name = normalise(parts.hostname or "")
    except HostError:
        # The proxy says what is wrong with it.
        name = parts.hostname or ""
    return (name if parts.port is None else f"{name}:{parts.port}").encode()


def _line(header: str) -> bytes:
    name, colon, value = header.partition(":")
    if not colon or not name.strip() or "\r" in header or "\n" in header:
        raise AskedError(f"header {header!r} is not one such as Accept: text/html")
    return f"{name.strip()}: {value.strip()}".encode()


def _facts(request: Request, client: _Client, proto: bytes) -> Facts:
    request.headers, client.lines = pass_on_claims(
        request.headers, request.host, client.peer.encode(), proto, b""
    )
    found = dict(headers(request, client))
    if not client.peer:
        # Nobody knows it, so that no rule on it can hold.
        del found["x-real-ip"]
    return Facts(
        normalise_host(request.host),
        normalise_path(request.target),
        request.method.decode("latin-1"),
        found,
        tuple((name, value) for name, values in query(request.target).items() for value in values),
        client.peer,
    )


def _entry_point(name: str, port: int, settings: Settings) -> str:
    web = {known: point for known, point in settings.entry_points.items() if known != ADMIN}
    if name and name not in web:
        raise AskedError(f"entryPoint {name!r} does not exist: there are {', '.join(sorted(web))}")
    listening = (known for known, point in sorted(web.items()) if point.port == port)
    return name or next(listening, settings.default_entry_points[0])
