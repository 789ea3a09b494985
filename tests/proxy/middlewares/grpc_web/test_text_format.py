"""The text format of gRPC-Web: base64 in parts, in pieces of any size."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.body_source import FilteredSource, PiecesSource
from proxy.middlewares.grpc_web.response_body import WebBody, WebTextBody, trailers_frame
from proxy.middlewares.grpc_web.text_format import TextDecoder


def decode(*pieces: bytes) -> bytes:
    decoder = TextDecoder()
    decoded = b"".join(map(decoder.feed, pieces))
    decoder.finish()
    return decoded


@given(parts=st.lists(st.binary(max_size=20), max_size=5), size=st.integers(1, 9))
def test_parts_with_their_own_padding_are_decoded_whatever_the_pieces(parts: list[bytes], size: int) -> None:
    text = b"".join(map(base64.b64encode, parts))
    assert decode(*(text[n : n + size] for n in range(0, len(text), size))) == b"".join(parts)


def test_line_breaks_do_not_count() -> None:
    assert decode(b"YW\r\nJj", b"\n") == b"abc"


@pytest.mark.parametrize(
    "text",
    [b"YWJ", b"Y", b"YW=j", b"Y===", b"====", b"YWJ*", b"YW J", b"YW===YWJ"],
    ids=[
        "cut",
        "one",
        "padding inside",
        "too much",
        "only padding",
        "a star",
        "a space",
        "padding after a part",
    ],
)
def test_other_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode(text)


TRAILERS = b"Grpc-Status: 7\r\ngrpc-message: no: way\r\n"
FRAME = b"\x80\0\0\0\x27grpc-status: 7\r\ngrpc-message: no: way\r\n"


def test_trailers_become_a_frame_with_names_in_lower_case() -> None:
    assert trailers_frame(TRAILERS) == FRAME


def test_trailers_follow_the_messages() -> None:
    body = WebBody()
    assert body.feed(b"message") + body.flush() == b"message"
    assert body.take_trailers(TRAILERS) == b""
    assert body.finish() == FRAME
    assert WebBody().finish() == b""


@given(pieces=st.lists(st.tuples(st.binary(max_size=20), st.booleans()), max_size=6))
def test_text_is_complete_after_each_flush(pieces: list[tuple[bytes, bool]]) -> None:
    body = WebTextBody()
    text, sent = b"", b""
    for piece, flushed in pieces:
        text += body.feed(piece)
        sent += piece
        if flushed:
            text += body.flush()
            assert decode(text) == sent
    body.take_trailers(TRAILERS)
    assert decode(text + body.finish()) == sent + FRAME


class Trailed(PiecesSource):
    trailers = TRAILERS


def test_a_middleware_that_reads_the_body_finds_the_trailers_in_it() -> None:
    source = FilteredSource(Trailed(iter((b"mess", b"age"))), WebBody())
    assert b"".join(source) == b"message" + FRAME
    assert source.trailers == b""
