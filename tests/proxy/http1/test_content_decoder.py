"""The content of requests without its framing."""

import pytest

from proxy.http1.chunked import ChunkError
from proxy.http1.content_decoder import LengthDecoder, content_decoder
from proxy.http1.request import Request

CHUNKED = b"3\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n"


def request(length: int, *, chunked: bool = False) -> Request:
    made = Request()
    made.content_length, made.chunked = length, chunked
    return made


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("sent", "received", "trailers"),
    [(request(4), b"abcd", b""), (request(-1, chunked=True), CHUNKED, b"X-Sum: 1\r\n")],
    ids=["length", "chunked"],
)
def test_the_next_request_stays_behind_the_content(
    sent: Request, received: bytes, trailers: bytes, size: int
) -> None:
    decoder = content_decoder(sent, "allow")
    data = received + b"GET"
    content = b""
    position = 0
    while not decoder.finished:
        content += decoder.feed(data[position : position + size])
        position += size
    assert (content, decoder.trailers) == (b"abcd", trailers)
    assert decoder.rest + data[position:] == b"GET"


def test_a_request_without_content_is_finished() -> None:
    assert content_decoder(request(-1), "allow").finished


def test_spliced_bytes_count() -> None:
    decoder = LengthDecoder(6)
    assert decoder.feed(b"ab") == b"ab"
    decoder.skip(3)
    assert (decoder.remaining, decoder.finished) == (1, False)
    decoder.skip(1)
    assert decoder.finished


def test_underscores_in_trailers_are_refused_where_they_are_in_heads() -> None:
    with pytest.raises(ChunkError):
        content_decoder(request(-1, chunked=True), "reject").feed(b"0\r\nX_Sum: 1\r\n\r\n")
