"""A server of error pages for cases of the middleware errors, and of the fallback of failover services."""

from __future__ import annotations

import json

from tests.lab.origin import Connection, http_response

SERVICE = "pages"
"""The name of its service in the options of a case."""

DOWN = "pages-down"
"""The name of a service whose server takes no connections."""

MISSING = "/missing"
"""The path of a page that does not exist."""


def respond(connection: Connection) -> None:
    """Respond with the method and target of each request."""
    while (request := connection.read()) is not None:
        content = json.dumps([request.method, request.target]).encode()
        lines = ("X-Page: 1", "Cache-Control: no-store", "Set-Cookie: page=1", "Allow: PAGE", "ETag: page")
        status = "404 Not Found" if request.target.startswith(MISSING) else "200 OK"
        response = http_response(content, status, lines)
        connection.send(
            response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else response
        )
