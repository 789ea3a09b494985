"""Content that has come on a stream and waits to be taken."""

from __future__ import annotations

MAX_PIECES = 512
"""Pieces that are kept apart. An object holds each, and takes far more memory than a few bytes."""


class ContentPieces(list[bytes]):
    """The pieces of content in order, as few objects as there need be."""

    __slots__ = ()

    def add(self, data: bytes) -> None:
        """Add the next piece."""
        self.append(data)
        if len(self) > MAX_PIECES:
            self[:] = [b"".join(self)]

    def take(self) -> bytes:
        """Return all content, and keep none; b"" if there is none."""
        if not self:
            return b""
        data = self[0] if len(self) == 1 else b"".join(self)
        self.clear()
        return data
