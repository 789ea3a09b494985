"""The middlewares redirectScheme and redirectRegex, as in Traefik 3, and requestRedirect, of the Gateway API.

The response names another URL.

URLs are compared and redirected in a normal form: without dot segments, empty segments and needless escapes,
so that another spelling cannot evade a redirection, and without bytes that a URL must not contain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.errors import RequestError
from proxy.http1.header_lines import header_line
from proxy.http1.request import HOST
from proxy.http1.response_head import reason_phrase
from proxy.middlewares.client_scheme import client_scheme
from proxy.middlewares.rewriting.path_change import compile_path_change
from proxy.middlewares.rewriting.paths import split_target, unescape_unreserved
from proxy.middlewares.rewriting.replacement import compile_replacement
from proxy.middlewares.step import Client, Step, kind
from proxy.per_request.local_response import LocalResponse

if TYPE_CHECKING:
    from proxy.http1.request import Request

_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}
# RFC 3986 §3.2-3.3, with % for existing escapes and # before a fragment.
_NOT_BEFORE_QUERIES = re.compile(rb"[^A-Za-z0-9._~!$&'()*+,;=:@/%#\[\]-]")
_LOWER_CASE_ESCAPE = re.compile(rb"%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])")
_NOT_IN_QUERIES = re.compile(rb"[^!-~]")
_LINES = b"\r\nContent-Type: text/plain; charset=utf-8\r\nLocation: "
# Paths without dot segments, empty segments and escapes, the common case.
_NORMAL_PATH = re.compile(rb"/(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*+/?)*")


@kind("redirectScheme")
def redirect_scheme(options: Mapping[str, Any]) -> Step:
    """Redirect to the same URL with `scheme` and `port`, unless the client's URL has both already.

    A trusted client's X-Forwarded-Proto takes precedence over the connection's own scheme.
    """
    scheme = options["scheme"].lower().encode()
    port = _port_suffix(scheme, options["port"].encode())
    start = _LINES + scheme + b"://"
    changed, kept = _statuses(permanent=options["permanent"])
    header_line("Location", f"{options['scheme']}{options['port']}")
    default_port = _DEFAULT_PORTS.get(scheme)

    def step(request: Request, client: Client) -> None:
        name, own_port = _split_host(request.host)
        if client_scheme(request, client) == scheme and _suffix(own_port, default_port) == port:
            return
        if not name:
            raise RequestError(400, "a redirection requires a Host header")
        status = changed if request.method == b"GET" else kept
        lines = start + name + port + _normal_target(request.target)
        raise LocalResponse(status, lines, reason_phrase(status))

    return step


def has_scheme_and_port(options: Mapping[str, Any]) -> Callable[[Request, Client], bool]:
    """Return a function that tests whether the client's URL has the scheme and port of these options."""
    scheme = options["scheme"].lower().encode()
    port = _port_suffix(scheme, options["port"].encode())

    def is_there(request: Request, client: Client) -> bool:
        if client_scheme(request, client) != scheme:
            return False
        return _port_suffix(scheme, _split_host(request.host)[1]) == port

    return is_there


@kind("redirectRegex")
def redirect_regex(options: Mapping[str, Any]) -> Step:
    """Redirect to the URL in which `replacement` replaces each match of `regex`.

    A URL that does not match, or stays the same, is not redirected. Its scheme is the connection's own.
    """
    replace = compile_replacement(options["regex"], options["replacement"])
    changed, kept = _statuses(permanent=options["permanent"])
    _refuse_control_characters(options["replacement"])

    def step(request: Request, client: Client) -> None:
        scheme = b"https://" if client.tls else b"http://"
        before = scheme + request.host + _normal_target(request.target)
        after = replace(before)
        if after is not None and after != before:
            status = changed if request.method == b"GET" else kept
            raise LocalResponse(status, _LINES + _escape(after), reason_phrase(status))

    return step


@kind("requestRedirect")
def request_redirect(options: Mapping[str, Any]) -> Step:
    """Redirect each request to a URL in which the given parts differ from the client's."""
    scheme = options["scheme"].lower().encode() if "scheme" in options else b""
    hostname = options.get("hostname", "").encode()
    if hostname and not HOST.fullmatch(hostname):
        raise ValueError(f"{options['hostname']!r} is not a valid host")
    port = options["port"].encode() if "port" in options else b"" if scheme else None
    change_path = compile_path_change(options)
    status = options["statusCode"]

    def step(request: Request, client: Client) -> None:
        name, own_port = _split_host(request.host)
        name = hostname or name
        if not name:
            raise RequestError(400, "a redirection requires a Host header")
        new_scheme = scheme or client_scheme(request, client)
        suffix = _port_suffix(new_scheme, own_port if port is None else port)
        target = request.target if change_path is None else change_path(request.target)
        lines = b"%b%b://%b%b%b" % (_LINES, new_scheme, name, suffix, _normal_target(target))
        raise LocalResponse(status, lines, reason_phrase(status))

    return step


def _refuse_control_characters(text: str) -> None:
    """Raise ValueError if this text must not be part of a header line."""
    header_line("Location", text)


def _statuses(*, permanent: bool) -> tuple[int, int]:
    """Return the status for GET, and the one for other methods, which keeps the method and the body."""
    return (301, 308) if permanent else (302, 307)


def _split_host(host: bytes) -> tuple[bytes, bytes]:
    """Return a Host without its port, and the port, which may be empty."""
    if b":" not in host:
        return host, b""
    name, colon, port = host.rpartition(b":")
    return (name, port) if colon and not port.endswith(b"]") else (host, b"")


def _port_suffix(scheme: bytes, port: bytes) -> bytes:
    """Return the port with a colon before it; empty for the default port of the scheme."""
    return _suffix(port, _DEFAULT_PORTS.get(scheme))


def _suffix(port: bytes, default: bytes | None) -> bytes:
    return b":" + port if port and port != default else b""


def _normal_target(target: bytes) -> bytes:
    if _NORMAL_PATH.fullmatch(target):
        return target
    path, query = split_target(target)
    if b"%" in path:
        path = _LOWER_CASE_ESCAPE.sub(lambda found: found[0].upper(), unescape_unreserved(path))
    return _escape(path + query)


def _escape(url: bytes) -> bytes:
    """Escape the bytes that a URL must not contain; in the query only spaces and bytes that are not ASCII."""
    start, mark, query = url.partition(b"?")
    start = _NOT_BEFORE_QUERIES.sub(_escaped, start)
    return start + mark + _NOT_IN_QUERIES.sub(_escaped, query)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
