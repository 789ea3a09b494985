"""The test kit: runs a middleware as the proxy does, but against a function, a response or a server."""

from collections.abc import Iterator

import msgspec
import pytest

from rondpoint.middleware import BodyError, Forward, Request, Response, middleware
from rondpoint.middleware.testing import run
from tests.lab.origin import Origin
from tests.lab.ports import free_port


class Options(msgspec.Struct, frozen=True):
    suffix: str = "!"


@middleware("shout", options=Options)
def shout(request: Request, forward: Forward, options: Options) -> Response:
    request.headers["X-Seen"] = request.client
    response = forward(request)
    response.headers["X-Path"] = request.path
    response.body = (piece.upper() for piece in response.body)
    response.body = response.read() + options.suffix.encode()
    return response


def test_against_a_response() -> None:
    server = Response(201, {"X-A": "b"}, b"quiet")
    for _ in range(2):
        response = run(shout, Request("POST", "/x?y"), server=server, options={"suffix": "?"})
        assert (response.status, response.headers["X-A"], response.headers["X-Path"]) == (201, "b", "/x")
        assert response.read() == b"QUIET?"
    assert server.read() == b"quiet"


def test_against_a_function() -> None:
    def server(request: Request) -> Response:
        return Response(200, body=request.read() + request.headers["X-Seen"].encode())

    assert run(shout, Request(body="a", client="::1"), server=server).read() == b"A::1!"


def test_against_a_real_server() -> None:
    request = Request("PUT", "/x?y", host="a.test", body=iter([b"one", b"two"]))
    with Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-B: c\r\n\r\nquiet") as seen:
        response = run(shout, request, server=f"http://127.0.0.1:{seen.port}")
        assert (response.status, response.headers["X-B"], response.read()) == (200, "c", b"QUIET!")
    received = seen.requests[-1]
    assert (received.target, received.header("Host"), received.body) == ("/x?y", "a.test", b"onetwo")


def test_a_server_that_is_gone_gives_the_error_of_the_proxy() -> None:
    with pytest.raises(BodyError) as caught:
        run(shout, server=f"http://127.0.0.1:{free_port()}")
    assert caught.value.status == 502


@middleware("twice")
def twice(request: Request, forward: Forward) -> Response:
    forward(request)
    return forward(request)


@middleware("another")
def another(request: Request, forward: Forward) -> Response:
    return forward(Request())


@middleware("nothing")
def nothing(request: Request, forward: Forward) -> Response:
    return None  # type: ignore[return-value]


def pieces() -> Iterator[bytes]:
    yield b"x"


@pytest.mark.parametrize(
    ("function", "error", "reason"),
    [
        (twice, RuntimeError, "at most once"),
        (another, TypeError, "the request that the middleware got"),
        (nothing, TypeError, "must return a Response"),
        (pieces, TypeError, "no decorator"),
    ],
)
def test_what_the_proxy_would_refuse_fails_here_too(
    function: object, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        run(function)  # type: ignore[arg-type]


def test_invalid_options_fail() -> None:
    with pytest.raises(ValueError, match="option sufix is unknown"):
        run(shout, options={"sufix": "x"})
