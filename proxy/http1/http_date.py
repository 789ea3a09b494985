"""The current time as a `Date` header wants it."""

from __future__ import annotations

from email.utils import formatdate
from time import time


class _Clock:
    """Remembers the date of the present second, because making one takes longer than a small response."""

    __slots__ = ("_date", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._date = b""

    def __call__(self) -> bytes:
        """Return the current date (RFC 9110 §5.6.7)."""
        second = int(time())
        if second != self._second:
            self._date = formatdate(second, usegmt=True).encode()
            self._second = second
        return self._date


http_date = _Clock()
