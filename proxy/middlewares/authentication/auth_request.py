"""Builds the request to the authentication server of a forwardAuth middleware."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from proxy.http1.forwarded import forwarded_port
from proxy.http1.header_lines import header_line
from proxy.http1.methods import METHODS_WITH_CONTENT
from proxy.upstream.auxiliary_pools import ServerAddress

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

BuildMessage = Callable[["Request", "Client", bytes, bytes], bytes]
"""Returns the whole request with this method and content about a client's request."""


class AuthServer(NamedTuple):
    """The server that `address` names; `url` is for relative locations in its responses."""

    address: ServerAddress
    tls: bool
    host: bytes
    target: bytes
    credentials: bytes
    url: str


# Not for the authentication server, whatever the options: its own Host, and what belongs to the content,
# which it does not get or gets at once.
_NEVER = rb"host|expect|trailer"
# Without `trustForwardHeader`, Traefik replaces these and passes on the others. With `false`, it passes on
# none.
_UNSET = rb"x-forwarded-(?:for|proto|host|method|uri)"
_FALSE = rb"x-forwarded-[^:\r\n]*|x-real-ip|x-scheme"
_FORWARDED_NAMES = (
    b"x-forwarded-proto",
    b"x-forwarded-scheme",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-server",
    b"x-forwarded-uri",
    b"x-forwarded-method",
    b"x-forwarded-prefix",
    b"x-forwarded-tls-client-cert",
    b"x-forwarded-tls-client-cert-info",
    b"x-scheme",
    b"x-real-ip",
)
_METHOD = re.compile(rb"\r\n(?i:x-forwarded-method):")
_URI = re.compile(rb"\r\n(?i:x-forwarded-uri):")
_AUTHORIZATION = re.compile(rb"\r\n(?i:authorization):")
_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?")
# As in a request target, with the escapes that are already there.
_TARGET_CHARACTERS = "!$%&'()*+,-./:;=?@[]_~"


def parse_address(address: str) -> AuthServer:
    """Parse the URL of the authentication server. Raises ValueError."""
    parts = urlsplit(address)
    scheme, name = parts.scheme.lower(), parts.hostname
    if not name:
        raise ValueError("its address names no host")
    tls = scheme == "https"
    default = 443 if tls else 80
    port = parts.port or default
    try:
        ascii_name = name if ":" in name else name.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"its address has an invalid host name: {error}") from None
    host = f"[{ascii_name}]" if ":" in ascii_name else ascii_name
    if port != default:
        host += f":{port}"
    if not _NAME.fullmatch(ascii_name):
        raise ValueError("its address has an invalid host name")
    target = quote(parts.path or "/", safe=_TARGET_CHARACTERS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_TARGET_CHARACTERS)
    credentials = b""
    if parts.username is not None:
        pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        credentials = b"\r\nAuthorization: Basic " + b64encode(pair)
    url = f"{scheme}://{host}{target}"
    return AuthServer(ServerAddress(ascii_name, port), tls, host.encode(), target.encode(), credentials, url)


def compile_message(server: AuthServer, options: Mapping[str, Any]) -> BuildMessage:
    """Compile `trustForwardHeader` and `authRequestHeaders`. Raises ValueError for invalid names."""
    trusts: bool | None = options.get("trustForwardHeader")
    dropped = _NEVER
    if not trusts:
        dropped += b"|" + (_UNSET if trusts is None else _FALSE)
    remove = re.compile(rb"\r\n(?i:%b):[^\r\n]*" % dropped)
    allowed = _allowed_lines(options["authRequestHeaders"], trusts=bool(trusts))
    with_port = trusts is False
    start = b" %b HTTP/1.1\r\nHost: %b" % (server.target, server.host)
    credentials = server.credentials

    def build(request: Request, client: Client, method: bytes, content: bytes) -> bytes:
        forwarded = client.forwarded(request.host)
        if client.extras is not None:
            forwarded = client.extras.apply_forwarded_steps(forwarded)
        lines = remove.sub(b"", request.headers + forwarded)
        if allowed is not None:
            lines = b"".join(allowed.findall(lines))
        if credentials and not _AUTHORIZATION.search(lines):
            lines += credentials
        if not trusts:
            lines += _own_claims(request, client, with_port=with_port)
        if not trusts or not _METHOD.search(lines):
            lines += b"\r\nX-Forwarded-Method: " + request.method
        if not trusts or not _URI.search(lines):
            lines += b"\r\nX-Forwarded-Uri: " + request.target
        if content or method in METHODS_WITH_CONTENT:
            lines += b"\r\nContent-Length: %d" % len(content)
        return b"%b%b%b\r\n\r\n%b" % (method, start, lines, content)

    return build


def _own_claims(request: Request, client: Client, *, with_port: bool) -> bytes:
    """Return the lines that describe the client as this proxy sees it, whatever the client claims."""
    proto = b"https" if client.tls else b"http"
    lines = b"\r\nX-Forwarded-Proto: " + proto
    if client.peer:
        lines += b"\r\nX-Forwarded-For: " + client.peer.encode()
    if request.host:
        lines += b"\r\nX-Forwarded-Host: " + request.host
    if with_port:
        lines += b"\r\nX-Forwarded-Port: " + forwarded_port(request.host, proto)
    return lines


def _allowed_lines(names: list[str], *, trusts: bool) -> re.Pattern[bytes] | None:
    """Return an expression for the lines to pass on; None for all."""
    if not names:
        return None
    for name in names:
        # Checks the name.
        header_line(name, "")
    alternatives = [re.escape(name.encode()) for name in names]
    if trusts:
        alternatives += [re.escape(name) for name in _FORWARDED_NAMES]
    return re.compile(rb"\r\n(?i:%b):[^\r\n]*" % b"|".join(alternatives))
