"""Decoding what is stored, by whoever wrote it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decoded(decoder: msgspec.json.Decoder[T], value: bytes) -> T:
    """Raises msgspec.MsgspecError (a ValueError) for all that cannot be decoded.

    msgspec itself has other errors for what is nested too deep, and for names that are not UTF-8.
    """
    try:
        return decoder.decode(value)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from None
