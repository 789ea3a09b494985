"""Content of a body that is kept until the exchange ends, to be sent once or several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proxy.buffers.disk_file import DiskFile

PORTION = 1 << 18
"""Bytes that are written to a file at once."""


class BufferLimits(NamedTuple):
    """The most bytes of a body, 0 for no limit, and the most of them in memory."""

    most: int
    memory: int


class ContentBuffer:
    """Bytes that are added piece by piece, and then read from any position, any number of times.

    No more than `memory_limit` of them are in memory, apart from the piece that is just being added. If there
    are more, they go to a temporary file. One greenlet at a time may use it.
    """

    __slots__ = ("_file", "_limit", "_tail", "size")

    def __init__(self, memory_limit: int) -> None:
        self._limit = memory_limit
        # Not a list of pieces: a sender may send single bytes, each of which would cost forty.
        self._tail = bytearray()
        self._file: DiskFile | None = None
        self.size = 0

    @property
    def in_memory(self) -> bool:
        """Whether all bytes are in memory."""
        return self._file is None

    def add(self, data: bytes) -> None:
        """Add bytes at the end. Raises DiskError."""
        self._tail += data
        self.size += len(data)
        if len(self._tail) > self._limit:
            self._write_tail()

    def read(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes, fewer only before the end or another part. Raises DiskError."""
        file = self._file
        if file is None:
            return bytes(self._tail[position : position + size])
        if position < file.size:
            return file.read(position, min(size, file.size - position))
        position -= file.size
        return bytes(self._tail[position : position + size])

    def pieces(self, position: int = 0, size: int = PORTION) -> Iterator[bytes]:
        """Yield the bytes from `position` on, at most `size` at once. Raises DiskError."""
        while position < self.size:
            piece = self.read(position, size)
            position += len(piece)
            yield piece

    def close(self) -> None:
        """Forget the bytes."""
        self._tail = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_tail(self) -> None:
        if self._file is None:
            self._file = DiskFile()
            self._limit = min(self._limit, PORTION)
        tail, self._tail = self._tail, bytearray()
        self._file.append(tail)
