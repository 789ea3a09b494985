"""Response heads, as bytes: the forwarded lines, the framing of the body, and refused heads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import ResponseError
from proxy.http1.response import CHUNKED, UNTIL_CLOSE, Response, parse_response
from tests.proxy.corpus.responses import LIMIT, REFUSED, head
from tests.proxy.http1.parsed_values import response_values


def parsed(data: bytes, method: bytes = b"GET") -> Response:
    response = parse_response(data, method, LIMIT)
    assert response is not None
    return response


def test_a_plain_response() -> None:
    data = head(b"Date: x", b"content-LENGTH: 5")
    assert response_values(parsed(data + b"hello")) == {
        "head": data[:-4],
        "size": len(data),
        "status": 200,
        "length": 5,
        "keep_alive": True,
        "upgrade": b"",
    }


@pytest.mark.parametrize(
    ("lines", "length", "kept"),
    [
        ([b"Content-Length: 0"], 0, [b"Content-Length: 0"]),
        ([b"Content-Length:7 "], 7, [b"Content-Length:7 "]),
        ([b"Transfer-Encoding: chunked"], CHUNKED, []),
        ([b"transfer-encoding:CHUNKED "], CHUNKED, []),
        ([], UNTIL_CLOSE, []),
    ],
)
def test_framing(lines: list[bytes], length: int, kept: list[bytes]) -> None:
    response = parsed(head(b"A: b", *lines, b"C: d"))
    assert response.length == length
    assert response.head == head(b"A: b", *kept, b"C: d")[:-4]
    assert response.keep_alive is (length != UNTIL_CLOSE)


@pytest.mark.parametrize(
    ("method", "status", "lines", "kept"),
    [
        (b"HEAD", b"200 OK", [b"Content-Length: 9"], [b"Content-Length: 9"]),
        (b"HEAD", b"200 OK", [b"Transfer-Encoding: chunked"], []),
        (b"HEAD", b"200 OK", [], []),
        (b"GET", b"304 Not Modified", [b"Content-Length: 9"], [b"Content-Length: 9"]),
        (b"GET", b"304 Not Modified", [b"Transfer-Encoding: chunked"], []),
        (b"GET", b"204 No Content", [], []),
        (b"GET", b"204 No Content", [b"Content-Length: 9"], []),
        (b"GET", b"204 No Content", [b"Transfer-Encoding: chunked"], []),
        (b"GET", b"103 Early Hints", [b"Content-Length: 9"], []),
    ],
)
def test_responses_without_a_body(
    method: bytes, status: bytes, lines: list[bytes], kept: list[bytes]
) -> None:
    response = parsed(head(b"A: b", *lines, status=status), method)
    assert response.length == 0
    assert response.head == head(b"A: b", *kept, status=status)[:-4]
    assert response.keep_alive


@pytest.mark.parametrize(
    ("version", "lines", "keep_alive"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"Connection: close"], False),
        (b"1.1", [b"connection: Keep-Alive, CLOSE"], False),
        (b"1.1", [b"Connection: close", b"Connection: keep-alive"], False),
        (b"1.1", [b"Connection: enclosed"], True),
        (b"1.0", [], False),
        (b"1.0", [b"Connection: keep-alive"], True),
        (b"1.0", [b"Connection: close, keep-alive"], False),
        (b"1.2", [], False),
    ],
)
def test_keep_alive(version: bytes, lines: list[bytes], keep_alive: bool) -> None:
    response = parsed(head(*lines, b"Content-Length: 1", version=version))
    assert response.keep_alive is keep_alive
    assert response.head == head(b"Content-Length: 1")[:-4], "the client gets HTTP/1.1"


@pytest.mark.parametrize(
    "line", [b"Connection: x", b"Keep-Alive: timeout=5", b"proxy-connection: close", b"Upgrade: h2,h2c"]
)
def test_hop_by_hop_lines_are_removed(line: bytes) -> None:
    response = parsed(head(line, b"A: b", line, b"Content-Length: 1"))
    assert response.head == head(b"A: b", b"Content-Length: 1")[:-4]


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        (b"X-Internal", []),
        (b"close, x-INTERNAL ,", []),
        (b"internal", [b"X-Internal: 1"]),
        (b"x-.nternal", [b"X-Internal: 1"]),
        (b"content-length", [b"X-Internal: 1"]),
    ],
)
def test_lines_that_connection_names_are_removed(named: bytes, kept: list[bytes]) -> None:
    response = parsed(head(b"X-Internal: 1", b"Connection: " + named, b"Content-Length: 1"))
    assert response.head == head(*kept, b"Content-Length: 1")[:-4]
    assert response.length == 1


def test_the_upgrade_protocol() -> None:
    response = parsed(
        head(b"Upgrade: websocket", b"Connection: Upgrade", b"A: b", status=b"101 Switching Protocols")
    )
    assert (response.status, response.upgrade) == (101, b"websocket")
    assert response.head == head(b"A: b", status=b"101 Switching Protocols")[:-4]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nhi\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 2\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\nhi",
    ],
)
def test_bare_line_feeds_of_a_server_are_rewritten(data: bytes) -> None:
    response = parsed(data)
    assert response.head == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2"
    assert data[response.size :].startswith(b"hi")


@pytest.mark.parametrize("status", [b"200", b"200 ", b"299 Odd \xe9 phrase", b"599 x", b"418 I'm a teapot"])
def test_status_lines_are_forwarded_unchanged(status: bytes) -> None:
    assert parsed(head(status=status)).head == b"HTTP/1.1 " + status


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(ResponseError):
        parse_response(REFUSED[name], b"GET", LIMIT)


names = st.text("ABCxyz019-_", min_size=1, max_size=12).map(str.encode)
texts = st.text(st.characters(codec="latin-1", min_codepoint=0x21, exclude_characters="\x7f"), max_size=20)
lines = st.lists(
    st.one_of(
        st.tuples(names, texts).map(lambda pair: pair[0] + b": " + pair[1].encode("latin-1")),
        st.sampled_from([b"Connection: close", b"Connection: A", b"Keep-Alive: 3"]),
    ),
    max_size=6,
)
heads = st.builds(head, *[st.just(b"X: y")], version=st.sampled_from([b"1.0", b"1.1"])) | lines.map(
    lambda extra: head(*extra, b"Content-Length: 12")
)


@given(heads, st.binary(max_size=12), st.booleans())
def test_a_head_means_the_same_in_any_split(data: bytes, body: bytes, loose: bool) -> None:
    if loose:
        data = data.replace(b"\r\n", b"\n")
    for end in range(len(data)):
        assert parse_response(data[:end], b"GET", LIMIT) is None
    assert response_values(parsed(data)) == response_values(parsed(data + body))


@given(
    st.one_of(heads, st.sampled_from([*REFUSED.values()][:30])),
    st.lists(st.integers(0, 300), max_size=4),
    st.binary(max_size=3),
)
def test_mutated_heads_are_parsed_or_refused(data: bytes, numbers: list[int], added: bytes) -> None:
    for number in numbers:
        position = number % (len(data) + 1)
        data = data[:position] + added + data[position + 1 :]
    try:
        response = parse_response(data, b"GET", LIMIT)
    except ResponseError:
        return
    if response is not None:
        assert response.head.count(b"\n") == response.head.count(b"\r\n") == response.head.count(b"\r")
        assert b"\r\n\r\n" not in response.head
        assert response.size <= len(data)
