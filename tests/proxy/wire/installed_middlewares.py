"""Middlewares in Python that the tests of the proxy install."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import msgspec
from gevent.event import Event

from rondpoint.middleware import BodyError, Forward, Request, Response, middleware


class Options(msgspec.Struct, frozen=True):
    file: str = ""
    port: int = 0
    limit: int = 4 << 20


def note(options: Options, text: str) -> None:
    with Path(options.file).open("a") as file:
        file.write(f"{text}\n")


@middleware("pass")
def pass_on(request: Request, forward: Forward) -> Response:
    return forward(request)


@middleware("headers")
def headers(request: Request, forward: Forward) -> Response:
    request.headers["X-Client"] = request.client
    request.headers["X-Forwarded-Proto"] = "gopher"
    request.headers["X-Request"] = f"{request.method} {request.scheme} {request.host} {request.target}"
    del request.headers["Accept"]
    request.path, request.query = "/changed", "q=1"
    response = forward(request)
    response.headers["X-Status"] = str(response.status)
    response.headers.add("Set-Cookie", "a=b")
    response.headers.add("Set-Cookie", "c=d")
    response.status = 202
    return response


@middleware("dict")
def dictionary(request: Request, forward: Forward) -> Response:
    """Replace all headers by plain dicts."""
    request.headers = {"Host": request.host, "X-Only": "this"}
    request.username = 5  # type: ignore[assignment]
    response = forward(request)
    response.headers = {"X-Only": "that"}
    return response


@middleware("wrap")
def wrap(request: Request, forward: Forward) -> Response:
    """Send the server's body in a new response."""
    response = forward(request)
    return Response(response.status, {"X-Wrapped": "yes"}, response.body)


@middleware("key")
def key(request: Request, forward: Forward) -> Response:
    if request.headers.get("X-Key") != "secret":
        return Response(401, {"WWW-Authenticate": "Key"}, "who are you?")
    request.username = "alice"
    return forward(request)


@middleware("upper")
def upper(request: Request, forward: Forward) -> Response:
    """Change both bodies piece by piece."""
    request.body = (piece.upper() for piece in request.body)
    response = forward(request)
    response.body = (piece.upper() for piece in response.body)
    return response


@middleware("whole", options=Options)
def whole(request: Request, forward: Forward, options: Options) -> Response:
    """Change both bodies as a whole."""
    request.body = request.read(options.limit)[::-1]
    response = forward(request)
    response.body = response.read(options.limit)[::-1]
    return response


@middleware("peek")
def peek(request: Request, forward: Forward) -> Response:
    """Read bodies, and leave them as they are."""
    request.read()
    response = forward(request)
    response.headers["X-Length"] = str(len(response.read()))
    return response


@middleware("drop")
def drop(request: Request, forward: Forward) -> Response:
    """Take the first piece of the response, and leave the rest."""
    response = forward(request)
    response.headers["X-First"] = str(len(next(response.body)))
    return response


@middleware("replace")
def replace(request: Request, forward: Forward) -> Response:
    """Send a new response instead of the server's."""
    status = forward(request).status
    return Response(200, {"X-Was": str(status)}, "another")


@middleware("stream", options=Options)
def stream(request: Request, forward: Forward, options: Options) -> Response:
    """Respond piece by piece, without the server."""

    def pieces() -> Iterator[bytes]:
        try:
            for number in range(options.limit):
                yield b"%d\n" % number
        finally:
            if options.file:
                note(options, "closed")

    return Response(200, {"Content-Type": "text/plain"}, pieces())


@middleware("produce")
def produce(request: Request, forward: Forward) -> Response:
    """Send a request body that has nothing to do with the client's."""
    request.body = iter([b"made", b"", b"up"])
    return forward(request)


@middleware("constant")
def constant(request: Request, forward: Forward) -> Response:
    """Send the same request body, whatever the client's is."""
    request.body = b"constant"
    return forward(request)


@middleware("careless")
def careless(request: Request, forward: Forward) -> Response:
    """Send another request body if the client's cannot be read."""
    try:
        request.read()
    except BodyError:
        request.body = b"instead"
    return forward(request)


@middleware("status", options=Options)
def status(request: Request, forward: Forward, options: Options) -> Response:
    response = forward(request)
    response.status = options.limit
    return response


@middleware("fault-before")
def fault_before(request: Request, forward: Forward) -> Response:
    raise LookupError("before the server")


@middleware("fault-after")
def fault_after(request: Request, forward: Forward) -> Response:
    forward(request)
    raise LookupError("after the server")


@middleware("exit")
def leave(request: Request, forward: Forward) -> Response:
    raise SystemExit(3)


@middleware("fault-in-body")
def fault_in_body(request: Request, forward: Forward) -> Response:
    response = forward(request)
    first = next(response.body)

    def pieces() -> Iterator[bytes]:
        yield first
        raise LookupError("in the body")

    response.body = pieces()
    return response


@middleware("fault-in-upload")
def fault_in_upload(request: Request, forward: Forward) -> Response:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise LookupError("in the upload")

    request.body = pieces()
    return forward(request)


@middleware("twice")
def twice(request: Request, forward: Forward) -> Response:
    forward(request)
    return forward(request)


@middleware("elsewhere")
def elsewhere(request: Request, forward: Forward) -> Response:
    """Call forward in another greenlet."""
    response: Response = gevent.spawn(forward, request).get()
    return response


@middleware("nothing")
def nothing(request: Request, forward: Forward) -> Response:
    return None  # type: ignore[return-value]


@middleware("blocking", options=Options)
def blocking(request: Request, forward: Forward, options: Options) -> Response:
    """Ask a server of its own over a blocking socket, before and after the request is forwarded."""
    with socket.create_connection(("127.0.0.1", options.port)) as connection:
        connection.sendall(b"before\n")
        request.headers["X-Told"] = connection.recv(100).decode().strip()
        response = forward(request)
        connection.sendall(b"after\n")
        response.headers["X-Told"] = connection.recv(100).decode().strip()
        return response


@middleware("waiting", options=Options)
def waiting(request: Request, forward: Forward, options: Options) -> Response:
    """Wait for what never comes, before the request is forwarded."""
    note(options, "began")
    try:
        Event().wait()
    finally:
        note(options, "ended")
    return forward(request)


@middleware("noting", options=Options)
def noting(request: Request, forward: Forward, options: Options) -> Response:
    """Note what comes of the request."""
    note(options, "began")
    try:
        response = forward(request)
        note(options, f"status {response.status}")
        return response
    finally:
        note(options, "ended")


@middleware("noting-body", options=Options)
def noting_body(request: Request, forward: Forward, options: Options) -> Response:
    """Note what comes of the response's body."""
    response = forward(request)
    body = response.body

    def pieces() -> Iterator[bytes]:
        try:
            yield from body
            note(options, "whole")
        finally:
            note(options, "ended")

    response.body = pieces()
    return response


@middleware("busy")
def busy(request: Request, forward: Forward) -> Response:
    """Compute for half a second."""
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        sum(range(1000))
    return forward(request)


@middleware("first")
def first(request: Request, forward: Forward) -> Response:
    request.context["seen"] = "by first"
    return forward(request)


@middleware("second")
def second(request: Request, forward: Forward) -> Response:
    request.headers["X-Seen"] = request.context.get("seen", "")
    return forward(request)
