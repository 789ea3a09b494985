"""Builds the request that `/api/explain` explains, parsed exactly as the proxy parses requests."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from proxy.admin.previews.chain_preview import PreviewedRequest
from proxy.downstream.entry_point_limits import entry_point_limits
from proxy.downstream.trusted_peers import TrustedPeers
from proxy.http1.errors import RequestError
from proxy.http1.forwarded import pass_on_claims
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.routing.request_attributes import headers, query
from rondpoint.rules.hosts import HostError, normalise
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.request_normalisation import decode_path, normalise_host, normalise_path
from rondpoint.settings import Settings

_PORTS = {"http": 80, "https": 443}
_AS_WRITTEN = "/%:@!$&'()*+,;=~?#[]\\|^`{}\"<>"


class ExplainQueryError(ValueError):
    """The query is invalid, or the proxy would refuse such a request before routing."""


class ExplainQuery(Struct, frozen=True):
    """The entry point and the request to explain: its facts for rules, and the request itself.

    `tls`: the entry point gets the request over TLS, and not from a proxy in front that speaks TLS.
    `url_host` is the host in the URL, which may differ from the header `Host`.
    """

    entry_point: str
    facts: Facts
    previewed: PreviewedRequest
    tls: bool = False
    url_host: str = ""


class _Client(Struct):
    """The client of the request, with the forwarding headers that the proxy would send to servers."""

    peer: str
    lines: bytes = b""

    def forwarded(self, host: bytes) -> bytes:
        del host
        return self.lines


def read_explain_query(arguments: MultiDict[str, str], settings: Settings) -> ExplainQuery:
    """Parse the query parameters of `/api/explain`. Raises ExplainQueryError.

    Without `entryPoint`, use the entry point on the port of `url`, or else the first default entry point, for
    `https` one with TLS. If there is none, a proxy in front is expected to speak TLS.
    Without `client`, the client is unknown and its `X-Forwarded-*` headers are trusted.
    """
    parts = _url(arguments.get("url", "").strip())
    tls = parts.scheme == "https"
    entry_point, is_guess = choose_entry_point(
        arguments.get("entryPoint", ""), parts.port or _PORTS.get(parts.scheme, 0), settings, tls=tls
    )
    peer = read_client(arguments.get("client", "").strip())
    point = settings.entry_points[entry_point]
    forwarding = point.forwarded_headers
    trusted = not peer or TrustedPeers(forwarding.insecure, forwarding.trusted_ips).includes(peer)
    limits = entry_point_limits(Limits(), point, trusted=trusted)
    header_lines = [_line(header) for header in arguments.getlist("header")]
    head = _head(arguments.get("method", "GET").upper(), parts, header_lines)
    try:
        request = parse_request(head, limits)
    except RequestError as error:
        raise ExplainQueryError(
            f"the proxy responds to such a request with {error.status}: {error}"
        ) from None
    if request is None:
        raise ExplainQueryError("the request cannot be read")
    client = _Client(peer)
    facts = _facts(request, client, parts.scheme.encode())
    previewed = PreviewedRequest(request, peer, client.lines, tls)
    return ExplainQuery(entry_point, facts, previewed, tls and not is_guess, host_name(parts))


def _url(url: str) -> SplitResult:
    if not url:
        raise ExplainQueryError("url is missing: ?url=http://app.example.com/path")
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError as error:
        raise ExplainQueryError(f"url {url!r} cannot be read: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ExplainQueryError(f"url {url!r} is not a URL such as http://app.example.com/path")
    return parts


def read_client(peer: str) -> str:
    """Return the address of a client, or empty for an unknown one. Raises ExplainQueryError."""
    try:
        address = ip_address(peer) if peer else None
    except ValueError:
        raise ExplainQueryError(f"client {peer!r} is not an IP address") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address or "")


def _head(method: str, parts: SplitResult, header_lines: list[bytes]) -> bytes:
    """Return the request head that a client would send; a `Host` header overrides the host of the URL."""
    target = quote(parts.path or "/", safe=_AS_WRITTEN)
    if parts.query:
        target += "?" + quote(parts.query, safe=_AS_WRITTEN)
    has_host = any(line.partition(b":")[0].lower() == b"host" for line in header_lines)
    lines = header_lines if has_host else [b"Host: " + _host(parts), *header_lines]
    first = f"{method} {target} HTTP/1.1".encode()
    return b"\r\n".join([first, *lines, b"", b""])


def host_name(parts: SplitResult) -> str:
    """Return the host in the form that clients send: non-ASCII names in DNS form."""
    try:
        return normalise(parts.hostname or "")
    except HostError:
        # The parser reports what is wrong with the name.
        return parts.hostname or ""


def _host(parts: SplitResult) -> bytes:
    """Return the `Host` value that browsers send, IPv6 addresses in brackets."""
    name = host_name(parts)
    return (name if parts.port is None else f"{name}:{parts.port}").encode()


def _line(header: str) -> bytes:
    name, colon, value = header.partition(":")
    if not colon or not name.strip() or "\r" in header or "\n" in header:
        raise ExplainQueryError(f"header {header!r} is not a header line such as Accept: text/html")
    return f"{name.strip()}: {value.strip()}".encode()


def _facts(request: Request, client: _Client, proto: bytes) -> Facts:
    request.headers, client.lines = pass_on_claims(
        request.headers, request.host, client.peer.encode(), proto, b""
    )
    found = dict(headers(request, client))
    if not client.peer:
        # The client is unknown, so no rule about this header can match.
        del found["x-real-ip"]
    return Facts(
        normalise_host(request.host),
        normalise_path(request.target),
        request.method.decode("latin-1"),
        found,
        tuple((name, value) for name, values in query(request.target).items() for value in values),
        client.peer,
        decode_path(request.target),
    )


def choose_entry_point(name: str, port: int, settings: Settings, *, tls: bool) -> tuple[str, bool]:
    """Return the name of the entry point, and whether it is guessed because none listens on this port."""
    web = settings.web_entry_points
    if name and name not in web:
        raise ExplainQueryError(
            f"entryPoint {name!r} does not exist: expected one of {', '.join(sorted(web))}"
        )
    listening = (known for known, point in sorted(web.items()) if point.port == port)
    if found := name or next(listening, ""):
        return found, False
    defaults = settings.default_entry_points
    if not defaults:
        raise ExplainQueryError("there is no entry point for HTTP: set entryPoints.web.address")
    secure = (known for known in defaults if tls and known in settings.tls_entry_points)
    return next(secure, defaults[0]), True
