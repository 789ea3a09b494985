"""Random hexadecimal ids; drawing many at once costs a fraction of drawing them one by one."""

from __future__ import annotations

from random import Random

IDS_PER_DRAW = 256

_ZERO = "0" * 16
_ONE = "0" * 15 + "1"


def draw_ids(random: Random, digits: int) -> bytes:
    """Return IDS_PER_DRAW ids of `digits` digits (16 or more) as one byte string.

    No id has 16 zeros in a row: an id of zeros is invalid.
    """
    return random.randbytes(digits * IDS_PER_DRAW // 2).hex().replace(_ZERO, _ONE).encode()


class RandomIds:
    """A source of ids of 32 digits."""

    __slots__ = ("_left", "_random")

    def __init__(self) -> None:
        self._left: list[bytes] = []
        # Not the module's generator: forked workers would all draw the same numbers from it.
        self._random = Random()  # noqa: S311 (names, not secrets)

    def take(self) -> bytes:
        """Return a new id."""
        left = self._left
        if not left:
            text = draw_ids(self._random, 32)
            left += [text[at : at + 32] for at in range(0, len(text), 32)]
        return left.pop()
