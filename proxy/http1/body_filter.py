"""Filters for the bodies of responses: bytes in, changed bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class BodyFilter(Protocol):
    """Changes the body of one response, piece by piece."""

    def feed(self, data: bytes, /) -> bytes:
        """Take the next bytes of the body; return the bytes that are ready, possibly none."""

    def flush(self) -> bytes:
        """Return all bytes that the client needs to read what has been fed so far."""

    def take_trailers(self, trailers: bytes, /) -> bytes:
        """Take the trailer lines after the body, each ended by CRLF; return those to send as trailers.

        The call comes before `finish`, if the body has trailers.
        """

    def finish(self) -> bytes:
        """Return the last bytes; the body has ended."""


class FilterSequence:
    """Several filters as one: each gets the bytes of the one before it, the first gets the server's."""

    def __init__(self, filters: Sequence[BodyFilter]) -> None:
        self._filters = filters

    def feed(self, data: bytes, /) -> bytes:
        for each in self._filters:
            data = each.feed(data)
        return data

    def flush(self) -> bytes:
        data = b""
        for each in self._filters:
            data = each.feed(data) + each.flush()
        return data

    def take_trailers(self, trailers: bytes, /) -> bytes:
        for each in self._filters:
            trailers = each.take_trailers(trailers)
        return trailers

    def finish(self) -> bytes:
        data = b""
        for each in self._filters:
            data = each.feed(data) + each.finish()
        return data
