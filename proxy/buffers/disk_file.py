"""Temporary files without a name, read and written in a thread.

Most writes only copy to the kernel's memory, but a busy disk may hold one up for seconds, and with it all
requests of the worker.
"""

from __future__ import annotations

import os
from functools import cache
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from gevent.threadpool import ThreadPool

if TYPE_CHECKING:
    from io import FileIO


class DiskError(Exception):
    """A temporary file cannot be created, written or read; the message says why."""


class DiskFile:
    """A file in the system's folder for temporary files; it ends with the process at the latest."""

    __slots__ = ("_file", "size")

    def __init__(self) -> None:
        """Create the file. Raises DiskError."""
        self.size = 0
        try:
            self._file: FileIO = _thread().apply(_create)
        except OSError as error:
            raise DiskError(str(error)) from error

    def append(self, data: bytes | bytearray) -> None:
        """Write at the end. Raises DiskError."""
        try:
            _thread().apply(_write_all, (self._file.fileno(), data))
        except OSError as error:
            raise DiskError(str(error)) from error
        self.size += len(data)

    def read(self, position: int, size: int) -> bytes:
        """Return `size` bytes; fewer at the end. Raises DiskError."""
        try:
            found: bytes = _thread().apply(os.pread, (self._file.fileno(), size, position))
        except OSError as error:
            raise DiskError(str(error)) from error
        return found

    def close(self) -> None:
        """Delete the file."""
        # In the thread, after an operation whose greenlet was killed: a number that is closed too early may
        # belong to another file by then.
        _thread().spawn(self._file.close)


@cache
def _thread() -> ThreadPool:
    """Return the thread of this worker, which does one operation after the other."""
    return ThreadPool(1)


def _create() -> FileIO:
    return TemporaryFile(buffering=0)


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
