"""Runs a Python middleware in a test: against a function, a response, or a real server; without Rondpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from rondpoint.middleware.body import BodyError
from rondpoint.middleware.definition import Forward, definition_of
from rondpoint.middleware.request import Request
from rondpoint.middleware.response import Response
from rondpoint.middlewares.framing_headers import is_framing_header

Server = Forward | Response | str
"""A function, the response that it would return, or the URL of a server, such as `http://127.0.0.1:9000`."""

_PIECE = 65536
_TIMEOUT = 30.0


def run(
    middleware: Callable[..., Response],
    request: Request | None = None,
    *,
    server: Server = Response(200),  # noqa: B008 - replaced by a copy below
    options: Mapping[str, Any] | None = None,
) -> Response:
    """Run the middleware with a request, by default `GET /`, and return the response for the client.

    `options` are those of a label or file, and are read as the proxy reads them. `forward` may be called
    once, with the request that the middleware got, as in the proxy. Raises what the middleware raises,
    ValueError for invalid options, and TypeError for a function that is no middleware.
    """
    definition = definition_of(middleware)
    if definition is None:
        raise TypeError(f"{middleware!r} has no decorator @middleware")
    request = Request() if request is None else request
    response = definition.bind(options or {})(request, _forward_once(request, _as_function(server)))
    if not isinstance(response, Response):
        raise TypeError(f"the middleware must return a Response, not {response!r}")
    return response


def _forward_once(own: Request, send: Forward) -> Forward:
    forwarded = False

    def forward(request: Request) -> Response:
        nonlocal forwarded
        if request is not own:
            raise TypeError("forward takes the request that the middleware got, and no other")
        if forwarded:
            raise RuntimeError("forward was called before: a request is forwarded at most once")
        forwarded = True
        return send(request)

    return forward


def _as_function(server: Server) -> Forward:
    if isinstance(server, str):
        return lambda request: _send_to(server, request)
    if isinstance(server, Response):
        # A test that uses one response for several runs would otherwise find the changes of the first.
        status, headers, body = server.status, server.headers.items(), server.content
        return lambda _request: Response(status, headers, body)
    return server


def _send_to(url: str, request: Request) -> Response:
    """Send a request to a real server; the response's body is received as it is read."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "localhost", parts.port, timeout=_TIMEOUT)
    content = request.content
    if not isinstance(content, bytes):
        content = b"".join(content)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if content:
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content or None)
        received = connection.getresponse()
    except (OSError, HTTPException) as error:
        connection.close()
        raise BodyError(502, f"the server at {url} gave no valid response: {error}") from error
    headers = [(name, value) for name, value in received.getheaders() if not is_framing_header(name)]
    return Response(received.status, headers, _pieces(connection, received))


def _pieces(connection: HTTPConnection, received: HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := received.read1(_PIECE):
            yield piece
    except (OSError, HTTPException) as error:
        raise BodyError(502, f"the body ended early: {error}") from error
    finally:
        connection.close()
