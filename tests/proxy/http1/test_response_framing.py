"""Framing of responses, read as a client reads it."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.response_framing import frame_chunks, frame_switch


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.booleans())
def test_content_in_chunks_is_whole_and_ends_once(pieces: list[bytes], ends_alone: bool) -> None:
    trailers = b"X-Sum: 1\r\n"
    *rest, last = [*pieces, b""] if ends_alone else pieces
    data = b"".join(frame_chunks(piece, None) for piece in rest) + frame_chunks(last, trailers)
    decoder = ChunkedDecoder()
    assert decoder.feed(data) == b"".join(pieces)
    assert (decoder.finished, decoder.rest, decoder.trailers) == (True, b"", trailers)


def test_no_content_makes_no_chunk() -> None:
    assert frame_chunks(b"", None) == b""


def test_a_switch_names_the_protocol_before_its_first_bytes() -> None:
    data = frame_switch(b"HTTP/1.1 101 Switching Protocols", b"websocket", b"\x81")
    head, _, content = data.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:] == [b"Connection: Upgrade", b"Upgrade: websocket"]
    assert content == b"\x81"
