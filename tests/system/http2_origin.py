"""A server for clients of HTTP/2: it digests uploads, sends hints, and a page of a hundred scripts."""

import hashlib

from tests.lab.origin import Connection, Request, http_response

SCRIPTS = 100
PAGE = "".join(f'<script src="/script/{number}.js"></script>' for number in range(SCRIPTS))


def respond(connection: Connection) -> None:
    """Handle the requests of one connection."""
    while (request := connection.read_head()) is not None:
        if (request.header("Expect") or "").lower() == "100-continue":
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.send(_response(request, _digest(connection, request)))


def _digest(connection: Connection, request: Request) -> str:
    """Return the digest of the request's content; content with a length is not kept."""
    digest = hashlib.sha256()
    if request.header("Transfer-Encoding"):
        body, start = connection.read_body(request), 0
        while (size := int(body[start : (end := body.index(b"\r\n", start))], 16)) > 0:
            digest.update(body[end + 2 : end + 2 + size])
            start = end + 2 + size + 2
    else:
        left = int(request.header("Content-Length") or 0)
        while left:
            piece = connection.receive(min(left, 1 << 20))
            if not piece:
                raise ConnectionError("the request was cut short")
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def _response(request: Request, digest: str) -> bytes:
    path = request.target
    if path == "/page":
        return _html(PAGE)
    if path.startswith("/script/"):
        return _typed("window.scripts = (window.scripts || 0) + 1;", "text/javascript")
    if path == "/hints":
        return b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + http_response(b"hinted")
    response = http_response(digest.encode())
    return response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else response


def _html(text: str) -> bytes:
    return _typed(f"<!doctype html><title>page</title><link rel=icon href=data:,>{text}", "text/html")


def _typed(text: str, media_type: str) -> bytes:
    return http_response(text.encode()).replace(b"text/plain", media_type.encode(), 1)
