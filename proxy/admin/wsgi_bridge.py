"""Runs the admin application, which speaks WSGI, for requests of the data path.

They come from the admin entry point, or from a router to `api@internal` or to a part of it.
"""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from werkzeug.test import EnvironBuilder, run_wsgi_app

from proxy.http1.errors import RequestError
from proxy.middlewares.client_scheme import client_scheme
from proxy.middlewares.request_content import ContentTooLargeError, read_content
from proxy.per_request.local_response import LocalResponse
from rondpoint import internal_services

if TYPE_CHECKING:
    from flask import Flask

    from proxy.context import InternalService
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client

ROUTED = "rondpoint.routed"
"""The key of the WSGI environment that says whether a request came through a router of a web entry point."""

_NO_HOST = "127.0.0.1"
"""Stands for the host that requests of HTTP/1.0 may lack; no browser sends such requests."""

_PATHS = {
    internal_services.ADMIN_APPLICATION: re.compile(rb".*", re.DOTALL),
    internal_services.API: re.compile(rb"/(?:(?:api|dashboard)(?:/.*)?)?"),
    internal_services.DASHBOARD: re.compile(rb"/dashboard(?:/.*)?"),
    internal_services.REST: re.compile(rb"/api/providers/[^/]+"),
}
"""The paths that each of the services has."""

_DASHBOARD = b"/dashboard"

_OWN_LINES = frozenset(("connection", "content-length", "date", "server", "transfer-encoding"))
"""The response's header lines that belong to the connection, which makes them itself."""


def admin_services(app: Flask) -> dict[str, InternalService]:
    """Return the internal services that the admin application serves, by name.

    One of them is for the admin entry point itself.
    """
    return {name: partial(_respond, app, name) for name in _PATHS}


def _respond(app: Flask, service: str, request: Request, client: Client) -> LocalResponse:
    """Return the application's response. Raises RequestError."""
    target = request.target
    if service == internal_services.DASHBOARD and not target.startswith(_DASHBOARD):
        # Traefik's service has the dashboard at its root: routers strip /dashboard before it.
        target = _DASHBOARD + target
    if not _PATHS[service].fullmatch(target.partition(b"?")[0]):
        raise RequestError(404, "")
    if service == internal_services.REST and request.method != b"PUT":
        return LocalResponse(405, b"\r\nAllow: PUT")
    try:
        content = read_content(request, client, app.config["MAX_CONTENT_LENGTH"])
    except ContentTooLargeError:
        raise RequestError(413, "the request body is too large") from None
    path, _, query = target.decode("latin-1").partition("?")
    scheme = client_scheme(request, client)
    environ = EnvironBuilder(
        path,
        f"{scheme.decode('latin-1')}://{request.host.decode('latin-1') or _NO_HOST}",
        query,
        # The connection leaves out the content of the response to HEAD, and keeps its length.
        "GET" if request.method == b"HEAD" else request.method.decode(),
        input_stream=BytesIO(content),
        content_length=len(content),
        headers=[
            (name, value.strip())
            for name, _, value in (
                line.partition(":") for line in request.headers.decode("latin-1").split("\r\n")[1:]
            )
        ],
        environ_overrides={
            "REMOTE_ADDR": client.peer,
            ROUTED: service != internal_services.ADMIN_APPLICATION,
        },
    ).get_environ()
    pieces, status, headers = run_wsgi_app(app, environ)
    lines = b"".join(
        b"\r\n%b: %b" % (name.encode(), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in _OWN_LINES
    )
    code = int(status.partition(" ")[0])
    if "content-length" in headers:
        return LocalResponse(code, lines, b"".join(pieces))
    return LocalResponse(code, lines, pieces=pieces)
