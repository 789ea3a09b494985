"""Response heads over HTTP/2: fields to heads and back."""

import pytest

from proxy.http1.response import UNTIL_CLOSE
from proxy.http2.errors import StreamFault
from proxy.http2.fields import Field
from proxy.http2.response_head import parse_response, response_fields, without_content
from proxy.http2.trailers import trailer_fields, trailer_lines


def fields(*listed: tuple[str, str]) -> list[Field]:
    return [(name.encode("latin-1"), value.encode("latin-1"), False) for name, value in listed]


@pytest.mark.parametrize(
    ("listed", "head", "length"),
    [
        ([(":status", "200"), ("a", "b")], b"HTTP/1.1 200 OK\r\na: b", UNTIL_CLOSE),
        ([(":status", "200"), ("content-length", "3")], b"HTTP/1.1 200 OK\r\ncontent-length: 3", 3),
        ([(":status", "204")], b"HTTP/1.1 204 No Content", 0),
        ([(":status", "304"), ("content-length", "3")], b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3", 0),
        ([(":status", "103"), ("link", "x")], b"HTTP/1.1 103 Early Hints\r\nlink: x", 0),
        ([(":status", "799")], b"HTTP/1.1 799 ", UNTIL_CLOSE),
        (
            [(":status", "200"), ("content-type", "application/grpc+proto"), ("content-length", "3")],
            b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc+proto",
            UNTIL_CLOSE,
        ),
        (
            [(":status", "200"), ("trailer", "x-sum"), ("content-length", "3")],
            b"HTTP/1.1 200 OK\r\ntrailer: x-sum",
            UNTIL_CLOSE,
        ),
    ],
    ids=["plain", "length", "204", "304", "103", "unknown", "gRPC", "trailers"],
)
def test_a_response(listed: list[tuple[str, str]], head: bytes, length: int) -> None:
    response = parse_response(fields(*listed))
    assert (response.head, response.length, response.keep_alive) == (head, length, True)
    assert without_content(response).length == 0


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [("a", "b")],
        [("a", "b"), (":status", "200")],
        [(":status", "200"), (":status", "200")],
        [(":status", "20")],
        [(":status", "099")],
        [(":status", "200 OK")],
        [(":status", "101")],
        [(":status", "200"), (":path", "/")],
        [(":status", "200"), ("A", "b")],
        [(":status", "200"), ("a", "b\r\nc: d")],
        [(":status", "200"), ("connection", "close")],
        [(":status", "200"), ("transfer-encoding", "chunked")],
        [(":status", "200"), ("content-length", "1"), ("content-length", "2")],
        [(":status", "200"), ("content-length", "x")],
    ],
    ids=repr,
)
def test_malformed(listed: list[tuple[str, str]]) -> None:
    with pytest.raises(StreamFault):
        parse_response(fields(*listed))


def test_a_head_becomes_fields_without_those_of_the_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\nX-A:  b \r\nKeep-Alive: 5"
    assert response_fields(head) == [
        (b":status", b"200", False),
        (b"content-length", b"3", True),
        (b"x-a", b"b", False),
    ]


def test_trailers() -> None:
    listed = fields(("grpc-status", "0"), ("content-length", "3"), ("a_b", "c"))
    assert trailer_lines(listed) == b"grpc-status: 0\r\na_b: c\r\n"
    assert trailer_lines(listed, "drop") == b"grpc-status: 0\r\n"
    with pytest.raises(StreamFault):
        trailer_lines(listed, "reject")
    with pytest.raises(StreamFault):
        trailer_lines(fields((":status", "200")))
    assert trailer_fields(b"Grpc-Status: 0\r\na: b\r\n") == fields(("grpc-status", "0"), ("a", "b"))
    assert trailer_fields(b"") == []
