"""Decoders of content codings, for tests."""

import zlib

import brotli
import zstandard

CODINGS = ("gzip", "br", "zstd")


def decode(coding: str, data: bytes) -> bytes:
    """Return the decoded bytes, of an unfinished body too."""
    return _decode(coding, data)[0]


def is_complete(coding: str, data: bytes) -> bool:
    """Return whether the body is complete."""
    return _decode(coding, data)[1]


def _decode(coding: str, data: bytes) -> tuple[bytes, bool]:
    if coding == "gzip":
        gzip = zlib.decompressobj(16 + 15)
        return gzip.decompress(data), gzip.eof
    if coding == "zstd":
        zstd = zstandard.ZstdDecompressor().decompressobj()
        return zstd.decompress(data), zstd.eof
    decoder = brotli.Decompressor()
    decoded = piece = decoder.process(data)
    # It returns some 32 KiB at once.
    while piece:
        piece = decoder.process(b"")
        decoded += piece
    return decoded, decoder.is_finished()
