"""Decodes stored JSON, whichever program wrote it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode_json(decoder: msgspec.json.Decoder[T], value: bytes) -> T:
    """Decode `value`. Raises msgspec.MsgspecError (a ValueError) if that fails, for whatever reason.

    msgspec itself raises other errors for values nested too deep and for names that are not UTF-8.
    """
    try:
        return decoder.decode(value)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from None
