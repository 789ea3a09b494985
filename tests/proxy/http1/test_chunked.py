"""The chunked coding, as bytes: content and trailers in any split, without ambiguity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.chunked import ChunkedDecoder, ChunkError, encode_chunk, last_chunk
from tests.proxy.corpus.chunks import BAD


def decode(data: bytes, *, padded: bool = False) -> tuple[bytes, bool, bytes, bytes]:
    """Return content, whether finished, trailers, and rest."""
    decoder = ChunkedDecoder(padded=padded)
    contents = decoder.feed(data)
    return contents, decoder.finished, decoder.trailers, decoder.rest


GOOD = {
    "empty": (b"0\r\n\r\n", b"", b"", b""),
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello", b"", b""),
    "two chunks": (b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello", b"", b""),
    "hexadecimal, both cases": (
        b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        b"0123456789" * 2,
        b"",
        b"",
    ),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello", b"", b""),
    "line ends in the data": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n", b"", b""),
    "what looks like the end in the data": (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n", b"", b""),
    "extension": (b"5;a=b\r\nhello\r\n0;c\r\n\r\n", b"hello", b"", b""),
    "quoted extension": (b'5;a="b c;\xff"\r\nhello\r\n0\r\n\r\n', b"hello", b"", b""),
    "space before an extension": (b"5 \t; a=b\r\nhello\r\n0\r\n\r\n", b"hello", b"", b""),
    "trailers": (b"0\r\nA: b\r\nC:d\r\n\r\n", b"", b"A: b\r\nC:d\r\n", b""),
    "what follows": (b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1", b"x", b"", b"GET / HTTP/1.1"),
    "what follows trailers": (b"0\r\nA: b\r\n\r\n\r\n", b"", b"A: b\r\n", b"\r\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_bodies(name: str) -> None:
    data, contents, trailers, rest = GOOD[name]
    assert decode(data) == (contents, True, trailers, rest)


NEVER_TRAILING = (
    "content-length transfer-encoding host connection trailer te upgrade keep-alive authorization cookie "
    "set-cookie content-encoding content-type content-range x-real-ip x-forwarded-for X_Forwarded_For "
    "Content-LENGTH"
)


@pytest.mark.parametrize("name", NEVER_TRAILING.split())
def test_forbidden_trailers_are_dropped(name: str) -> None:
    data = b"0\r\nA: b\r\n%b: 5\r\nC: d\r\n\r\n" % name.encode()
    assert decode(data) == (b"", True, b"A: b\r\nC: d\r\n", b"")


def test_trailers_with_underscores_may_be_dropped_or_refused() -> None:
    data = b"0\r\nA: b_c\r\nX_Auth_User: root\r\nC: d\r\n\r\n"
    assert decode(data)[2] == data[3:-2]
    decoder = ChunkedDecoder(underscores="drop")
    decoder.feed(data)
    assert (decoder.finished, decoder.trailers) == (True, b"A: b_c\r\nC: d\r\n")
    with pytest.raises(ChunkError, match="underscores"):
        ChunkedDecoder(underscores="reject").feed(data)
    # Underscores in values and in chunk data do not count.
    decoder = ChunkedDecoder(underscores="reject")
    assert decoder.feed(b"3;a_b=c\r\nd_e\r\n0\r\nA: b_c\r\n\r\n") == b"d_e"
    assert decoder.finished


@pytest.mark.parametrize("name", BAD)
def test_bad_bodies(name: str) -> None:
    with pytest.raises(ChunkError):
        decode(BAD[name])


@pytest.mark.parametrize("name", BAD)
def test_bad_bodies_byte_by_byte(name: str) -> None:
    decoder = ChunkedDecoder()
    with pytest.raises(ChunkError):
        for byte in BAD[name]:
            decoder.feed(bytes([byte]))
            assert not decoder.finished


@pytest.mark.parametrize("name", GOOD)
def test_a_body_without_its_end_is_not_finished(name: str) -> None:
    data, _, _, rest = GOOD[name]
    data = data.removesuffix(rest)
    for end in range(len(data)):
        assert decode(data[:end])[1] is False


def test_a_server_may_pad_its_sizes() -> None:
    assert decode(b"5   \r\nhello\r\n0\t \r\n\r\n", padded=True) == (b"hello", True, b"", b"")
    for name in ("plus", "0x", "space before", "space within", "letter after", "size ends with LF"):
        with pytest.raises(ChunkError):
            decode(BAD[name], padded=True)


@pytest.mark.parametrize(
    ("data", "encoded"), [(b"", b""), (b"a", b"1\r\na\r\n"), (b"x" * 26, b"1a\r\n" + b"x" * 26 + b"\r\n")]
)
def test_encode_chunk(data: bytes, encoded: bytes) -> None:
    assert encode_chunk(data) == encoded


def test_last_chunk_with_trailers() -> None:
    assert last_chunk() == b"0\r\n\r\n"
    assert last_chunk(b"A: b\r\n") == b"0\r\nA: b\r\n\r\n"


extensions = st.sampled_from([b"", b";a", b";a=b", b' ;a="b"'])
chunks = st.lists(st.tuples(st.binary(min_size=1, max_size=40), extensions), max_size=5)
trailers = st.lists(st.sampled_from([b"A: b\r\n", b"X-Sum:\r\n"]), max_size=3).map(b"".join)


def encoded_body(pieces: list[tuple[bytes, bytes]], ending: bytes) -> bytes:
    sized = b"".join(b"%x%b\r\n%b\r\n" % (len(data), extension, data) for data, extension in pieces)
    return sized + b"0\r\n" + ending + b"\r\n"


@given(chunks, trailers, st.binary(max_size=10), st.integers(1, 7))
def test_pieces_of_any_size_mean_the_same(
    pieces: list[tuple[bytes, bytes]], ending: bytes, rest: bytes, step: int
) -> None:
    contents = b"".join(data for data, _ in pieces)
    data = encoded_body(pieces, ending)
    for split in range(len(data) + 1):
        decoder = ChunkedDecoder()
        found = decoder.feed(data[:split])
        if not decoder.finished:
            found += decoder.feed(data[split:] + rest)
            assert decoder.rest == rest
        assert (found, decoder.finished, decoder.trailers) == (contents, True, ending)
    decoder = ChunkedDecoder()
    found = b"".join(decoder.feed(data[start : start + step]) for start in range(0, len(data), step))
    assert (found, decoder.finished, decoder.trailers) == (contents, True, ending)


@given(chunks, trailers)
def test_a_reencoded_body_decodes_to_the_same(pieces: list[tuple[bytes, bytes]], ending: bytes) -> None:
    body = b"".join(encode_chunk(data) for data, _ in pieces) + last_chunk(ending)
    assert decode(body) == (b"".join(data for data, _ in pieces), True, ending, b"")


@given(chunks, st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=2)), min_size=1, max_size=4))
def test_mutations_raise_nothing_but_chunk_error_and_mean_one_thing(
    pieces: list[tuple[bytes, bytes]], changes: list[tuple[int, bytes]]
) -> None:
    data = encoded_body(pieces, b"A: b\r\n")
    for number, added in changes:
        position = number % len(data)
        data = data[:position] + added + data[position + 1 :]

    def outcome(*parts: bytes) -> tuple[bytes, bool, bytes] | None:
        decoder = ChunkedDecoder()
        try:
            contents = b""
            for part in parts:
                if decoder.finished:
                    break
                contents += decoder.feed(part)
        except ChunkError:
            return None
        return contents, decoder.finished, decoder.trailers

    whole = outcome(data)
    assert whole == outcome(*(data[index : index + 1] for index in range(len(data))))
