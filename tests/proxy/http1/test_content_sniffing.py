"""Media types by the first bytes of a body. The comparison with a real Traefik has more bodies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.content_sniffing import SNIFFED_BYTES, sniff

TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=utf-8"
BINARY = b"application/octet-stream"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", TEXT),
        (b"{}", TEXT),
        (b"\x1b[0m", TEXT),
        (b"\x00", BINARY),
        (b"a\x7f\xff", TEXT),
        (b"\r\n\t\x0c <HtMl>", HTML),
        (b"<html", TEXT),
        (b"<html\n>", TEXT),
        (b"<h1>", HTML),
        (b"<h2>", TEXT),
        (b"a<p>", TEXT),
        (b"<!--", HTML),
        (b"<?xml", b"text/xml; charset=utf-8"),
        (b"<?XML", TEXT),
        (b"%!PS-Adobe-3", b"application/postscript"),
        (b"\xfe\xffa\n", b"text/plain; charset=utf-16be"),
        (b"RIFF\n\n\n\nAVI ", b"video/avi"),
        (b"Rar!\x1a\x07\x01\x00", b"application/x-rar-compressed"),
        (b"\x00\x00\x00\x0cftypmp42", b"video/mp4"),
        (b"\x00\x00\x00\x10ftypisommp42", BINARY),
        (b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp42", b"video/mp4"),
        (b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp4", BINARY),
        (b"\x00\x00\x00\x0eftypmp42mp", BINARY),
        (b"\x00\x00\x00\x08ftypmp42mp42", BINARY),
    ],
)
def test_types(body: bytes, media_type: bytes) -> None:
    assert sniff(body) == media_type


@given(st.binary(min_size=SNIFFED_BYTES, max_size=SNIFFED_BYTES), st.binary(max_size=8))
def test_later_bytes_do_not_count(start: bytes, rest: bytes) -> None:
    assert sniff(start + rest) == sniff(start)


@given(st.text(st.characters(min_codepoint=0x61), max_size=20))
def test_letters_are_plain_text(text: str) -> None:
    assert sniff(text.encode()) == TEXT
