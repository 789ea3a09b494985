"""Encoders of content codings."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.body_filter import BodyFilter, FilterSequence
from proxy.middlewares.compression.encoders import ENCODERS
from tests.lab.decoding import decode, is_complete

CODINGS = st.sampled_from(sorted(ENCODERS))
# Some random, some repetitive, some longer than an encoder's own buffers.
PIECES = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.binary(min_size=1, max_size=8), st.integers(1, 30_000)).map(
            lambda pair: pair[0] * pair[1]
        ),
    ),
    max_size=8,
)


@given(CODINGS, PIECES)
def test_whatever_the_pieces_decoding_gives_the_original(coding: str, pieces: list[bytes]) -> None:
    encoder: BodyFilter = ENCODERS[coding]()()
    encoded = b"".join(map(encoder.feed, pieces)) + encoder.finish()
    assert decode(coding, encoded) == b"".join(pieces)
    assert is_complete(coding, encoded)


@given(CODINGS, PIECES)
def test_after_a_flush_the_client_can_read_all_that_was_fed(coding: str, pieces: list[bytes]) -> None:
    encoder: BodyFilter = ENCODERS[coding]()()
    encoded, fed = b"", b""
    for piece in filter(None, pieces):
        fed += piece
        encoded += encoder.feed(piece) + encoder.flush()
        assert decode(coding, encoded) == fed
    encoded += encoder.finish()
    assert decode(coding, encoded) == fed
    assert is_complete(coding, encoded)


@given(CODINGS, CODINGS, PIECES)
def test_of_two_filters_the_second_gets_the_bytes_of_the_first(
    inner: str, outer: str, pieces: list[bytes]
) -> None:
    both = FilterSequence([ENCODERS[inner]()(), ENCODERS[outer]()()])
    encoded, fed = b"", b""
    for piece in filter(None, pieces):
        fed += piece
        encoded += both.feed(piece) + both.flush()
        assert decode(inner, decode(outer, encoded)) == fed
    encoded += both.finish()
    assert decode(inner, decode(outer, encoded)) == fed


@pytest.mark.parametrize("coding", ENCODERS)
def test_encoders_of_one_middleware_do_not_share_their_state(coding: str) -> None:
    make = ENCODERS[coding]()
    one, two = make(), make()
    encoded = [one.feed(b"one" * 9), two.feed(b"two" * 9), one.finish(), two.finish()]
    assert decode(coding, encoded[0] + encoded[2]) == b"one" * 9
    assert decode(coding, encoded[1] + encoded[3]) == b"two" * 9


def test_libraries_are_imported_only_with_a_middleware_that_needs_them() -> None:
    code = (
        "import sys; from proxy.middlewares.chains import Chains; from proxy.middlewares.step import KINDS;"
        "loaded = lambda: [name for name in ('brotli', 'zstandard') if name in sys.modules];"
        "before = loaded();"
        "from rondpoint.middlewares.canonical import add_defaults;"
        "make = lambda *names: KINDS['compress'](add_defaults('compress', {'encodings': names}), 'm');"
        "make('gzip'); print(before, loaded()); make('br'); print(loaded()); make('zstd'); print(loaded())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[] []", "['brotli']", "['brotli', 'zstandard']"]
