"""The middleware contentType on the wire: bodies of each framing, in any pieces, complete or cut short."""

import pytest

from proxy.http1.chunked import encode_chunk
from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Connection, Handler, Start
from tests.proxy.running import Proxy

HTML = "text/html; charset=utf-8"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def pieces(*sent: bytes, reset: bool = False) -> Handler:
    """Return a handler that responds once with these pieces, and then closes or resets the connection."""

    def handler(connection: Connection) -> None:
        if connection.read() is not None:
            for piece in sent:
                connection.send(piece)
            if reset:
                connection.reset()

    return handler


def respond(proxy: Proxy, origin: Start, handler: Handler) -> http.Response:
    """Return the response of a router with contentType to this origin."""
    proxy.middlewares["type@x"] = Middleware("type@x", "contentType", {})
    return http.request(proxy.web, proxy.route(origin(handler), middlewares=("type@x",)))


@pytest.mark.parametrize(
    ("sent", "body", "media_type"),
    [
        ([LENGTH + b"<p>ab"], b"<p>ab", HTML),
        ([LENGTH, b"<p>", b"ab"], b"<p>ab", HTML),
        ([LENGTH + b"<p>ab" + b"excess"], b"<p>ab", HTML),
        ([CHUNKED + b"3\r\n<p>\r\n0\r\n\r\n"], b"<p>", HTML),
        ([CHUNKED, b"00", b"3;a=b\r\n", b"<p>", b"\r\n0\r\nT: x\r\n\r\n"], b"<p>", HTML),
        ([CHUNKED + b"0\r\n\r\n"], b"", None),
        ([CHUNKED, b"0\r\n", b"\r\n"], b"", None),
        ([UNTIL_CLOSE + b"<p>"], b"<p>", HTML),
        ([UNTIL_CLOSE, b"<p>", b"x"], b"<p>x", HTML),
        ([UNTIL_CLOSE], b"", None),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b"", None),
        ([CHUNKED + encode_chunk(b"<p>" * 100_000) + b"0\r\n\r\n"], b"<p>" * 100_000, HTML),
    ],
)
def test_the_type_of_a_body_is_added_and_its_bytes_stay(
    proxy: Proxy, origin: Start, sent: list[bytes], body: bytes, media_type: str | None
) -> None:
    response = respond(proxy, origin, pieces(*sent))
    assert (response.header("Content-Type"), response.body) == (media_type, body)


@pytest.mark.parametrize(
    "handler",
    [
        pieces(LENGTH),
        pieces(CHUNKED),
        pieces(CHUNKED + b"5\r\n"),
        pieces(CHUNKED + b"zz\r\n"),
        pieces(UNTIL_CLOSE, reset=True),
    ],
)
def test_a_response_without_any_of_its_body_becomes_502(
    proxy: Proxy, origin: Start, handler: Handler
) -> None:
    assert respond(proxy, origin, handler).status == 502


def test_responses_of_the_proxy_keep_their_type(proxy: Proxy) -> None:
    proxy.middlewares["type@x"] = Middleware("type@x", "contentType", {})
    response = http.request(proxy.web, proxy.route(middlewares=("type@x",)))
    types = [value for name, value in response.headers if name == "Content-Type"]
    assert (response.status, types) == (503, ["text/plain; charset=utf-8"])
