"""An authentication server for cases of forwardAuth; the path of its address names its response."""

from __future__ import annotations

from tests.lab.origin import Connection, http_response

ADDRESS = "http://authentication.invalid"
"""Stands for the server's URL in the options of a case."""

RESPONSES = {
    "/allow": http_response(b"yes", headers=("X-User: eve", "X-Group: a", "X-Group: b", "X-Other: o")),
    "/nobody": http_response(b""),
    "/empty": b"HTTP/1.1 204 No Content\r\nX-User: eve\r\n\r\n",
    "/cookies": http_response(
        b"", headers=("Set-Cookie: session=new; Path=/", "Set-Cookie: other=new", "X-User: eve")
    ),
    "/deny": http_response(
        b"no", "403 Forbidden", ("X-Why: because", "Set-Cookie: a=b", "Keep-Alive: timeout=5")
    ),
    "/login": http_response(b"who?", "401 Unauthorized", ('WWW-Authenticate: Basic realm="a"',)),
    "/relative": http_response(b"", "302 Found", ("Location: sign/in?next=%2Fx",)),
    "/rooted": http_response(b"", "302 Found", ("Location: /sign-in",)),
    "/absolute": http_response(b"", "307 Temporary Redirect", ("Location: https://sso.test/a?b=c",)),
    "/chunked": b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    "/odd": http_response(b"odd", "499 Odd"),
    "/broken": b"HTTP/1.1 200 OK\r\nContent-Length: no\r\n\r\n",
    "/close": b"",
}


def respond(connection: Connection) -> None:
    """Respond to each request by its path."""
    while (request := connection.read()) is not None:
        response = RESPONSES[request.target.partition("?")[0].removesuffix("/verify")]
        if not response:
            return
        head, _, _ = response.partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n" if request.method == "HEAD" else response)
