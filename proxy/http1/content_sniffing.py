"""Guesses the media type of a body from its first bytes, by the MIME Sniffing standard (WHATWG).

The types are those that Go's `net/http` gives, which Traefik uses.
"""

from __future__ import annotations

import re

SNIFFED_BYTES = 512
"""The number of bytes that are looked at (MIME Sniffing §5: fewer than 1445)."""

_HTML_TAGS = (
    *(rb"!DOCTYPE HTML", rb"HTML", rb"HEAD", rb"SCRIPT", rb"IFRAME", rb"H1", rb"DIV", rb"FONT", rb"TABLE"),
    *(rb"A", rb"STYLE", rb"TITLE", rb"B", rb"BODY", rb"BR", rb"P"),
)
_SPACE = rb"[\t\n\x0c\r ]*"
_SIGNATURES = [
    (re.compile(pattern, re.DOTALL), media_type)
    for pattern, media_type in (
        (_SPACE + rb"<(?:(?i:" + b"|".join(_HTML_TAGS) + rb")[ >]|!--)", b"text/html; charset=utf-8"),
        (_SPACE + rb"<\?xml", b"text/xml; charset=utf-8"),
        (rb"%PDF-", b"application/pdf"),
        (rb"%!PS-Adobe-", b"application/postscript"),
        (rb"\xfe\xff..", b"text/plain; charset=utf-16be"),
        (rb"\xff\xfe..", b"text/plain; charset=utf-16le"),
        (rb"\xef\xbb\xbf.", b"text/plain; charset=utf-8"),
        (rb"\x00\x00[\x01\x02]\x00", b"image/x-icon"),
        (rb"BM", b"image/bmp"),
        (rb"GIF8[79]a", b"image/gif"),
        (rb"RIFF.{4}WEBPVP", b"image/webp"),
        (rb"\x89PNG\r\n\x1a\n", b"image/png"),
        (rb"\xff\xd8\xff", b"image/jpeg"),
        (rb"FORM.{4}AIFF", b"audio/aiff"),
        (rb"ID3", b"audio/mpeg"),
        (rb"OggS\x00", b"application/ogg"),
        (rb"MThd\x00\x00\x00\x06", b"audio/midi"),
        (rb"RIFF.{4}AVI ", b"video/avi"),
        (rb"RIFF.{4}WAVE", b"audio/wave"),
        (rb"\x1a\x45\xdf\xa3", b"video/webm"),
        (rb".{34}LP", b"application/vnd.ms-fontobject"),
        (rb"\x00\x01\x00\x00", b"font/ttf"),
        (rb"OTTO", b"font/otf"),
        (rb"ttcf", b"font/collection"),
        (rb"wOFF", b"font/woff"),
        (rb"wOF2", b"font/woff2"),
        (rb"\x1f\x8b\x08", b"application/x-gzip"),
        (rb"PK\x03\x04", b"application/zip"),
        (rb"Rar!\x1a\x07(?:\x00|\x01\x00)", b"application/x-rar-compressed"),
        (rb"\x00asm", b"application/wasm"),
    )
]
# MIME Sniffing §3, "binary data byte".
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def sniff(body: bytes) -> bytes:
    """Return the media type of a body that begins with these bytes."""
    start = body[:SNIFFED_BYTES]
    for pattern, media_type in _SIGNATURES:
        if pattern.match(start):
            return media_type
    if _is_mp4(start):
        return b"video/mp4"
    return b"application/octet-stream" if _BINARY.search(start) else b"text/plain; charset=utf-8"


def _is_mp4(start: bytes) -> bool:
    """Return whether it is an MP4 file (MIME Sniffing §6.2.1): one of its brands begins with `mp4`."""
    size = int.from_bytes(start[:4])
    if not 12 <= size <= len(start) or size % 4 or start[4:8] != b"ftyp":
        return False
    # The bytes from 12 to 15 are the minor version, and no brand.
    return any(start[at : at + 3] == b"mp4" for at in range(8, size, 4) if at != 12)
