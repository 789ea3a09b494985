"""The middleware compress: heads of responses, and which bodies it compresses."""

from typing import Any

import pytest

from proxy.http1.request import Request
from proxy.http1.response_head import ResponseHead
from proxy.middlewares.compression.compress import compress
from rondpoint.middlewares.canonical import add_defaults
from tests.proxy.middlewares.sender import Sender

JSON = b"\r\nContent-Type: application/json"
VARY = b"\r\nVary: Accept-Encoding"
GZIP = b"\r\nAccept-Encoding: gzip"
LONG = 1024


def response(
    lines: bytes,
    *,
    status: int = 200,
    length: int = LONG,
    request_lines: bytes = GZIP,
    method: bytes = b"GET",
    **options: Any,
) -> ResponseHead:
    """Return the head of the response with these header lines, after a router's compress middleware."""
    step = compress(add_defaults("compress", options))
    request = Request()
    request.method, request.headers = method, b"\r\nHost: a.test" + request_lines
    client = Sender()
    step(request, client)
    head = ResponseHead(status, lines, length=length)
    if client.extras is not None:
        applied = client.extras.apply_response_steps(head.encode(), length)
        head = ResponseHead.parse(applied)
        if client.extras.body_filter is not None:
            head.add_filter(client.extras.body_filter)
    return head


def test_a_compressed_response_has_other_header_lines() -> None:
    head = response(
        JSON + b'\r\nContent-Length: 1024\r\nETag: "a"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\nX-A: 1'
    )
    assert head.lines == (
        VARY + JSON + b'\r\nETag: W/"a"\r\nVary: Origin\r\nX-A: 1\r\nContent-Encoding: gzip'
    )
    assert head.body_filter is not None


def test_a_plain_response_keeps_its_lines_but_varies() -> None:
    lines = JSON + b'\r\nContent-Length: 9\r\nETag: "a"\r\nAccept-Ranges: bytes'
    head = response(lines, length=9)
    assert head.lines == VARY + lines
    assert head.body_filter is None


COMPRESSED: dict[str, dict[str, Any]] = {
    "unknown length": {"length": -1},
    "an error": {"status": 404},
    "Content-Type with parameters": {"lines": b"\r\ncontent-type: text/html; charset=utf-8"},
    "no Content-Type": {"lines": b""},
    "a malformed Content-Type": {"lines": b"\r\nContent-Type: /"},
    "a stream of events": {"lines": b"\r\nContent-Type: text/event-stream", "length": -1},
    "as short as the minimum": {"length": 9, "minResponseBodyBytes": 9},
    "an included type": {"includedContentTypes": ["Application/JSON; charset=utf-8"]},
    "another than the excluded type": {"excludedContentTypes": ["text/html"]},
    "a weak ETag": {"lines": JSON + b'\r\nETag: W/"a"'},
    "an empty Content-Encoding": {"lines": JSON + b"\r\nContent-Encoding: "},
    "no-transform, which Traefik ignores too": {"lines": JSON + b"\r\nCache-Control: no-transform"},
    "the default encoding without Accept-Encoding": {"request_lines": b"", "defaultEncoding": "gzip"},
    "Accept-Encoding in two lines": {"request_lines": b"\r\naccept-encoding: x\r\nAccept-Encoding:gzip"},
}
PLAIN: dict[str, dict[str, Any]] = {
    "no body": {"length": 0},
    "too short": {"length": LONG - 1},
    "too short for the default that 0 stands for": {"length": LONG - 1, "minResponseBodyBytes": 0},
    "a part of the content": {"status": 206},
    "a part by its Content-Range": {"lines": JSON + b"\r\ncontent-range: bytes 0-1023/2000"},
    "already encoded": {"lines": JSON + b"\r\nContent-Encoding: br"},
    "identity by name": {"lines": JSON + b"\r\ncontent-encoding: identity"},
    "no Content-Type is no included one": {"lines": b"", "includedContentTypes": ["text/html"]},
    "gRPC": {"lines": b"\r\nContent-Type: application/grpc"},
    "an excluded type": {"excludedContentTypes": ["application/JSON;x=y"]},
    "another than the included type": {"includedContentTypes": ["text/html"]},
    "no Accept-Encoding": {"request_lines": b""},
    "an empty Accept-Encoding": {"request_lines": b"\r\nAccept-Encoding:", "defaultEncoding": "gzip"},
    "an encoding that is not served": {"request_lines": b"\r\nAccept-Encoding: deflate"},
}
UNTOUCHED: dict[str, dict[str, Any]] = {
    "HEAD": {"method": b"HEAD"},
    "a request of an excluded type": {
        "request_lines": GZIP + b"\r\nContent-Type: text/x; a=b",
        "excludedContentTypes": ["text/x"],
    },
    "a gRPC request": {"request_lines": GZIP + b"\r\ncontent-type: application/grpc"},
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed(name: str) -> None:
    head = response(**{"lines": JSON, **COMPRESSED[name]})
    assert head.body_filter is not None
    assert head.lines.startswith(VARY)
    assert head.lines.endswith(b"\r\nContent-Encoding: gzip")


@pytest.mark.parametrize("name", PLAIN)
def test_left_plain(name: str) -> None:
    given = {"lines": JSON, **PLAIN[name]}
    head = response(**given)
    assert head.body_filter is None
    assert head.lines == VARY + given["lines"]


@pytest.mark.parametrize("name", UNTOUCHED)
def test_untouched(name: str) -> None:
    head = response(JSON, **UNTOUCHED[name])
    assert (head.body_filter, head.lines) == (None, JSON)


@pytest.mark.parametrize(
    "line",
    [b"\r\nVary: accept-encoding", b"\r\nvary: *", b"\r\nVary: Origin , Accept-Encoding , X", b"\r\nVary:*"],
)
def test_a_response_that_varies_already_has_no_further_line(line: bytes) -> None:
    assert response(line + JSON, length=1).lines == line + JSON


@pytest.mark.parametrize(
    "line", [b"\r\nVary: X-Accept-Encoding", b"\r\nX-Vary: Accept-Encoding", b"\r\nVary: "]
)
def test_a_similar_line_is_none(line: bytes) -> None:
    assert response(line + JSON, length=1).lines == VARY + line + JSON


def test_two_middlewares_compress_once() -> None:
    step = compress(add_defaults("compress", {}))
    request, client = Request(), Sender()
    request.method, request.headers = b"GET", GZIP
    step(request, client)
    step(request, client)
    assert client.extras is not None
    head = client.extras.apply_response_steps(b"HTTP/1.1 200 OK" + JSON, LONG)
    assert head.count(b"Content-Encoding") == head.count(b"Vary") == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"encodings": []}, "at least one"),
        ({"encodings": ["gzip", "deflate"]}, "deflate is not an encoding"),
        ({"encodings": ["gzip"], "defaultEncoding": "br"}, "br is not one of encodings"),
        ({"excludedContentTypes": ["text/html"], "includedContentTypes": ["text/css"]}, "mutually exclusive"),
        ({"excludedContentTypes": ["text/"]}, "'text/' is not a content type"),
        ({"includedContentTypes": [""]}, "'' is not a content type"),
    ],
)
def test_options_that_cannot_be_applied_are_an_error(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compress(add_defaults("compress", options))
