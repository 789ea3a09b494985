"""Random hexadecimal ids; drawing many at once costs a fraction of drawing them one by one."""

from __future__ import annotations

from random import Random
from struct import Struct

IDS_PER_DRAW = 256

_CUTTER = Struct("32s" * IDS_PER_DRAW)

_ZERO = "0" * 16
_ONE = "0" * 15 + "1"


def draw_ids(random: Random, digits: int) -> bytes:
    """Return IDS_PER_DRAW ids of `digits` digits (16 or more) as one byte string.

    No id has 16 zeros in a row: an id of zeros is invalid.
    """
    return random.randbytes(digits * IDS_PER_DRAW // 2).hex().replace(_ZERO, _ONE).encode()


class RandomIds:
    """A source of ids of 32 digits."""

    __slots__ = ("_random", "left")

    def __init__(self) -> None:
        self.left: list[bytes] = []
        """Ids that were drawn; a request may take one by itself, which saves a call."""
        # Not the module's generator: forked workers would all draw the same numbers from it.
        self._random = Random()  # noqa: S311 (names, not secrets)

    def take(self) -> bytes:
        """Return a new id."""
        left = self.left
        if not left:
            left += _CUTTER.unpack(draw_ids(self._random, 32))
        return left.pop()
