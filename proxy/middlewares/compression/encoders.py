"""Encoders for content codings, as body filters.

Windows are small (gzip 32 KiB, brotli 64 KiB, Zstandard 128 KiB), so that the encoder of a response holds at
most about 1.3 MB. Levels are those at which 16 KiB of text take at most about 2 ms.

For gzip, ISA-L takes a sixth of zlib's time at its level 4, for a result at most a twentieth longer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

_GZIP_LEVEL = 2
# 15 is the largest window; 16 more ask for the gzip format.
_GZIP_WINDOW = 16 + 15
_BROTLI_QUALITY = 4
_BROTLI_WINDOW = 16
_ZSTANDARD_LEVEL = 3
_ZSTANDARD_WINDOW = 17


class Encoder(NamedTuple):
    """The encoder of one response, a `BodyFilter`."""

    feed: Callable[[bytes], bytes]
    flush: Callable[[], bytes]
    finish: Callable[[], bytes]

    def take_trailers(self, trailers: bytes, /) -> bytes:
        """Return all trailer lines: a content coding has none of its own."""
        return trailers


MakeEncoder = Callable[[], Encoder]


def _gzip() -> MakeEncoder:
    from isal import isal_zlib  # noqa: PLC0415

    def make() -> Encoder:
        encoder = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
        return Encoder(encoder.compress, partial(encoder.flush, zlib.Z_SYNC_FLUSH), encoder.flush)

    return make


def _brotli() -> MakeEncoder:
    import brotli  # noqa: PLC0415

    def make() -> Encoder:
        encoder = brotli.Compressor(quality=_BROTLI_QUALITY, lgwin=_BROTLI_WINDOW)
        return Encoder(encoder.process, encoder.flush, encoder.finish)

    return make


def _zstandard() -> MakeEncoder:
    import zstandard  # noqa: PLC0415

    parameters = zstandard.ZstdCompressionParameters.from_level(
        _ZSTANDARD_LEVEL, window_log=_ZSTANDARD_WINDOW
    )

    def make() -> Encoder:
        # All encoders of one ZstdCompressor would share their state.
        encoder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        flush = partial(encoder.flush, zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return Encoder(encoder.compress, flush, encoder.flush)

    return make


ENCODERS: dict[str, Callable[[], MakeEncoder]] = {"gzip": _gzip, "br": _brotli, "zstd": _zstandard}
"""By content coding: a function that imports the library, and returns the function that makes an encoder."""
