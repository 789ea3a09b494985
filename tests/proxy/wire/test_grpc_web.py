"""gRPC-Web on the wire: clients of HTTP/1.1, and a server that sends trailers."""

from base64 import b64decode, b64encode

import pytest

from rondpoint.model import Middleware
from tests.lab import http
from tests.lab.origin import Origin, Start
from tests.proxy.running import Proxy

MESSAGE = b"\0\0\0\0\x05hello"
TRAILERS = b"\x80\0\0\0\x20grpc-status: 0\r\ngrpc-message: \r\n"
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc+proto\r\nTrailer: Grpc-Status\r\n"
    b"Transfer-Encoding: chunked\r\n\r\na\r\n%b\r\n0\r\nGrpc-Status: 0\r\ngrpc-message: \r\n\r\n" % MESSAGE
)
REFUSAL = b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nGrpc-Status: 7\r\nContent-Length: 0\r\n\r\n"
ORIGIN = ("Origin", "https://shop.test")


def served(proxy: Proxy, seen: Origin, *others: Middleware) -> str:
    web = Middleware("web@x", "grpcWeb", {"allowOrigins": ["*"]})
    proxy.middlewares.update({each.name: each for each in (web, *others)})
    return proxy.route(seen, middlewares=(*(each.name for each in others), "web@x"))


def call(proxy: Proxy, host: str, content_type: str, body: bytes) -> http.Response:
    headers = [("Content-Type", content_type), ORIGIN]
    return http.request(proxy.web, host, "/shop.Cart/Add", method="POST", headers=headers, body=body)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
def test_trailers_are_the_last_frame_of_the_body(proxy: Proxy, origin: Start, buffered: bool) -> None:
    seen = origin(RESPONSE)
    buffering = Middleware("buffer@x", "buffering", {"maxResponseBodyBytes": 1000})
    host = served(proxy, seen, *[buffering] * buffered)
    response = call(proxy, host, "application/grpc-web+proto", MESSAGE)
    assert (response.status, response.body) == (200, MESSAGE + TRAILERS)
    assert response.header("Content-Type") == "application/grpc-web+proto"
    assert response.header("Trailer") is None
    assert response.header("Access-Control-Allow-Origin") == "https://shop.test"
    assert "grpc-status" in (response.header("Access-Control-Expose-Headers") or "")
    (request,) = seen.requests
    assert (request.header("Content-Type"), request.body) == ("application/grpc+proto", MESSAGE)


@pytest.mark.parametrize(
    "text",
    [b64encode(MESSAGE), b64encode(MESSAGE[:4]) + b64encode(MESSAGE[4:])],
    ids=["one part", "two parts"],
)
def test_text_is_decoded_for_the_server_and_encoded_for_the_client(
    proxy: Proxy, origin: Start, text: bytes
) -> None:
    seen = origin(RESPONSE)
    response = call(proxy, served(proxy, seen), "application/grpc-web-text", text)
    assert response.header("Content-Type") == "application/grpc-web-text+proto"
    assert b64decode(response.body) == MESSAGE + TRAILERS
    (request,) = seen.requests
    assert request.header("Content-Type") == "application/grpc"
    assert MESSAGE in request.body


@pytest.mark.parametrize("text", [b"AAAA*AAA", b"AAAAA"], ids=["another character", "cut"])
def test_text_that_is_not_base64_is_refused(proxy: Proxy, origin: Start, text: bytes) -> None:
    host = served(proxy, origin(RESPONSE))
    response = call(proxy, host, "application/grpc-web-text", text)
    assert (response.status, response.header("Grpc-Status")) == (200, "13")
    assert "base64" in (response.header("Grpc-Message") or "")
    assert response.header("Content-Type") == "application/grpc-web-text"


def test_a_response_without_messages_keeps_its_status_in_the_head(proxy: Proxy, origin: Start) -> None:
    response = call(proxy, served(proxy, origin(REFUSAL)), "application/grpc-web-text", b64encode(MESSAGE))
    assert (response.body, response.header("Grpc-Status")) == (b"", "7")
    assert response.header("Content-Type") == "application/grpc-web-text"
