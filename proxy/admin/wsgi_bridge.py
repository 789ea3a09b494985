"""Runs the admin application, which speaks WSGI (PEP 3333), for requests of the data path.

They come from the admin entry point, or from a router to `api@internal` or to a part of it.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from proxy.admin.client_address import ORIGIN
from proxy.admin.pages.sign_in import FORM_PATHS
from proxy.admin.request_input import RequestInput
from proxy.http1.body_source import close_pieces
from proxy.http1.errors import RequestError
from proxy.middlewares.client_scheme import client_scheme
from proxy.per_request.local_response import LocalResponse
from rondpoint import internal_services
from rondpoint.middleware.body import BodyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Flask

    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

log = logging.getLogger(__name__)

ROUTED = "rondpoint.routed"
"""The key of the WSGI environment that says whether a request came through a router of a web entry point."""

LARGEST_FORM = 64 << 10
"""Bytes of a form, which anybody may send before they have signed in."""

_NO_HOST = "127.0.0.1"
"""Stands for the host that requests of HTTP/1.0 may lack; no browser sends such requests."""

_PATHS = {
    internal_services.API: re.compile(rb"/(?:(?:api|dashboard)(?:/.*)?)?"),
    internal_services.DASHBOARD: re.compile(rb"/dashboard(?:/.*)?"),
    internal_services.REST: re.compile(rb"/api/providers/[^/]+"),
}
"""The paths that each of the services has."""

_DASHBOARD = b"/dashboard"
_OUTSIDE_BASE = frozenset((b"/ping", b"/metrics"))
"""Paths of the admin entry point that `api.basePath` does not move."""
_ENCODED_SLASH = re.compile(rb"(?i:%2f)")

_OWN_LINES = frozenset(("connection", "content-length", "date", "server", "transfer-encoding"))
"""The response's header lines that belong to the connection, which makes them itself."""


def run(app: Flask, request: Request, client: Client, service: str = "") -> LocalResponse:
    """Return the application's response. Raises RequestError.

    `service` is the internal service that a router names; it is empty for the admin entry point.
    """
    path, _, query = request.target.partition(b"?")
    base, path = _split_base(app, path, service)
    if service == internal_services.DASHBOARD and not path.startswith(_DASHBOARD):
        # Traefik's service has the dashboard at its root: routers strip /dashboard before it.
        path = _DASHBOARD + path
    if service:
        # The application decodes what rules do not: a router that guards a path must not be evaded so.
        if not _PATHS[service].fullmatch(path) or _ENCODED_SLASH.search(path):
            raise RequestError(404, "")
        if service == internal_services.REST and request.method != b"PUT":
            return LocalResponse(405, b"\r\nAllow: PUT")
    name = unquote_to_bytes(path).decode("latin-1")
    limit = LARGEST_FORM if name in FORM_PATHS else app.config["MAX_CONTENT_LENGTH"]
    content = RequestInput(request, client, limit)
    environ = _environment(request, client, name, query, content)
    environ["SCRIPT_NAME"] = base
    environ[ROUTED] = bool(service)
    environ[ORIGIN] = (request, client)
    status, headers = "", list[tuple[str, str]]()

    def start_response(text: str, lines: list[tuple[str, str]], _error: object = None) -> object:
        nonlocal status
        status = text
        headers[:] = lines
        return None

    pieces = app(environ, start_response)  # type: ignore[arg-type]
    if content.fault is not None:
        close_pieces(iter(pieces))
        raise content.fault
    lines = b"".join(
        b"\r\n%b: %b" % (name.encode(), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in _OWN_LINES
    )
    code = int(status.partition(" ")[0])
    if code in (204, 304) or any(name.lower() == "content-length" for name, _ in headers):
        return LocalResponse(code, lines, _joined(pieces))
    return LocalResponse(code, lines, pieces=_stream(pieces))


def _split_base(app: Flask, path: bytes, service: str) -> tuple[str, bytes]:
    """Return `api.basePath`, if the path begins with it, and the rest of the path.

    Raises RequestError for a path that lacks it.
    """
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    base = root.encode()
    if not base or service == internal_services.REST:
        return "", path
    if path == base or path.startswith(base + b"/"):
        return root, path[len(base) :] or b"/"
    if service == internal_services.DASHBOARD or (not service and path in _OUTSIDE_BASE):
        return "", path
    raise RequestError(404, "")


def _environment(
    request: Request, client: Client, path: str, query: bytes, content: RequestInput
) -> dict[str, Any]:
    """Return the WSGI environment of the request; lines with underscores in their names are left out.

    Otherwise `X_Real_Ip` would look like `X-Real-Ip`.
    """
    host = request.host.decode("latin-1") or _NO_HOST
    scheme = client_scheme(request, client).decode()
    environ: dict[str, Any] = {
        # The connection leaves out the content of the response to HEAD, and keeps its length.
        "REQUEST_METHOD": "GET" if request.method == b"HEAD" else request.method.decode("latin-1"),
        "PATH_INFO": path,
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": "443" if scheme == "https" else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": client.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": content,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if request.has_body and not request.chunked:
        environ["CONTENT_LENGTH"] = str(request.content_length)
    elif request.has_body:
        # Also for HTTP/2, which has no such line: it says that there is content.
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    for line in request.headers.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if "_" in name or name.lower() in ("content-length", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value.strip()}" if key in environ else value.strip()
    environ["HTTP_HOST"] = host
    return environ


def _joined(pieces: Iterable[bytes]) -> bytes:
    try:
        return b"".join(pieces)
    finally:
        close_pieces(iter(pieces))


def _stream(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces; cut the response short after a fault, which the log tells."""
    try:
        yield from pieces
    except Exception as error:
        log.exception("a response of the admin entry point was cut short")
        raise BodyError(500, "the admin application failed") from error
    finally:
        close_pieces(iter(pieces))
