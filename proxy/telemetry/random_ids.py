"""Random ids in hexadecimal, drawn many at a time, which costs a fraction of what it costs one by one."""

from __future__ import annotations

from random import Random

DRAWN = 256

_ZERO = "0" * 16
_ONE = "0" * 15 + "1"


def drawn(random: Random, digits: int) -> bytes:
    """DRAWN ids of so many digits, 16 or more, in one piece; 16 of zero, which are no id, are in none."""
    return random.randbytes(digits * DRAWN // 2).hex().replace(_ZERO, _ONE).encode()


class Ids:
    """Ids of 32 digits."""

    __slots__ = ("_left", "_random")

    def __init__(self) -> None:
        self._left: list[bytes] = []
        # One's own: a process that was forked shares the common one's numbers with its siblings.
        self._random = Random()  # noqa: S311 (names, not secrets)

    def take(self) -> bytes:
        """Another one each time."""
        left = self._left
        if not left:
            text = drawn(self._random, 32)
            left += [text[at : at + 32] for at in range(0, len(text), 32)]
        return left.pop()
