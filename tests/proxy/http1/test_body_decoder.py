"""Bodies of responses without their framing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.body_decoder import BodyDecoder
from proxy.http1.chunked import ChunkError, encode_chunk, last_chunk
from proxy.http1.response import CHUNKED, UNTIL_CLOSE


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.binary(max_size=200), st.binary(max_size=3), st.lists(st.integers(0, 999), max_size=6))
def test_a_body_of_known_length_ends_after_so_many_bytes(body: bytes, rest: bytes, cuts: list[int]) -> None:
    decoder = BodyDecoder(len(body))
    assert b"".join(map(decoder.feed, split(body + rest, cuts))) == body
    assert decoder.finished
    assert not decoder.until_close


@given(st.lists(st.binary(max_size=50), max_size=5), st.lists(st.integers(0, 999), max_size=6))
def test_a_chunked_body_ends_with_its_last_chunk(chunks: list[bytes], cuts: list[int]) -> None:
    decoder = BodyDecoder(CHUNKED)
    data = b"".join(map(encode_chunk, chunks)) + last_chunk(b"X-Sum: 1\r\n")
    assert b"".join(map(decoder.feed, split(data, cuts))) == b"".join(chunks)
    assert (decoder.finished, decoder.trailers) == (True, b"X-Sum: 1\r\n")


@pytest.mark.parametrize(("length", "data"), [(1, b"ab"), (CHUNKED, last_chunk() + b"x")])
def test_bytes_after_the_body_are_noticed(length: int, data: bytes) -> None:
    decoder = BodyDecoder(length)
    decoder.feed(data)
    assert decoder.excess


def test_a_body_until_the_end_of_the_connection_never_finishes() -> None:
    decoder = BodyDecoder(UNTIL_CLOSE)
    assert decoder.feed(b"abc") == b"abc"
    assert (decoder.finished, decoder.until_close) == (False, True)


def test_a_malformed_chunk_is_an_error() -> None:
    with pytest.raises(ChunkError):
        BodyDecoder(CHUNKED).feed(b"x\r\n")
