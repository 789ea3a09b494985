"""Requests of the data path as an application that speaks WSGI gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask, Response, request

from proxy.admin.wsgi_bridge import run
from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.middlewares.step import Client
from proxy.per_request.local_response import LocalResponse
from rondpoint.middleware.body import BodyError

CLIENT = cast("Client", SimpleNamespace(tls="", peer="10.0.0.1", extras=None))


def sent(lines: bytes = b"", target: bytes = b"/") -> Request:
    found = Request()
    found.method, found.target, found.host, found.headers = b"GET", target, b"a.test:81", lines
    found.version, found.chunked, found.content_length = 1, False, 0
    return found


def respond(view: Callable[[], Any], given: Request | None = None) -> LocalResponse:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 100
    app.add_url_rule("/", view_func=view)
    return run(app, given or sent(), CLIENT)


def test_header_lines_keep_their_names_and_values() -> None:
    lines = (
        b"\r\nX-A: 1\r\nx-a:2\r\nCookie: a=1\r\nCookie: b=2\r\nContent-Type: text/x\r\nX_Real_Ip: 10.9.9.9"
    )
    response = respond(
        lambda: "|".join(
            [request.headers["X-A"], *request.cookies, request.content_type or "", request.host]
        ),
        sent(lines),
    )
    assert response.body == b"1,2|a|b|text/x|a.test:81"
    assert respond(lambda: str("X-Real-Ip" in request.headers), sent(lines)).body == b"False"


def test_the_query_reaches_it_decoded_once() -> None:
    assert respond(lambda: request.args["a"], sent(target="/?a=é%2541".encode())).body == "é%41".encode()


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_content_is_whole(status: int) -> None:
    response = respond(lambda: Response(status=status))
    assert (response.status, response.body, response.pieces) == (status, b"", None)


def test_lines_of_the_connection_are_left_out() -> None:
    response = respond(lambda: Response("x", headers={"Connection": "close", "X-B": "1"}))
    assert b"X-B: 1" in response.lines
    assert not any(name in response.lines for name in (b"Connection", b"Content-Length"))


def test_a_stream_that_fails_is_cut_short_and_the_log_tells_why(caplog: pytest.LogCaptureFixture) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        raise ZeroDivisionError

    streamed = respond(lambda: Response(pieces())).pieces
    assert streamed is not None
    received = iter(streamed)
    assert next(received) == b"first"
    with pytest.raises(BodyError):
        next(received)
    assert "ZeroDivisionError" in caplog.text


def test_a_stream_ends_when_nobody_reads_on() -> None:
    ended = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"first"
            yield b"second"
        finally:
            ended.append(True)

    streamed = respond(lambda: Response(pieces())).pieces
    assert streamed is not None
    received = cast("Any", iter(streamed))
    assert next(received) == b"first"
    received.close()
    assert ended == [True]


def test_too_much_content_gets_a_413() -> None:
    given = sent()
    given.content_length = 101
    assert respond(_read, given).status == 413


def test_what_the_client_did_wrong_is_told_as_for_other_requests() -> None:
    given = sent()
    given.content_length = 5
    client = SimpleNamespace(
        **vars(CLIENT), buffer=b"", limits=SimpleNamespace(body_bytes=0), content_decoder=_incomplete
    )
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 100
    app.add_url_rule("/", view_func=_read)
    with pytest.raises(RequestError, match="incomplete"):
        run(app, given, cast("Client", client))


def _read() -> bytes:
    return request.get_data()


def _incomplete(_request: Request) -> Any:
    raise RequestError(400, "the request body is incomplete")
