"""Temporary files without a name, read and written in a thread.

Most writes only copy to the kernel's memory, but a busy disk may hold one up for seconds, and with it all
requests of the worker.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from tempfile import TemporaryFile
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from gevent.threadpool import ThreadPool

if TYPE_CHECKING:
    from io import FileIO

log = logging.getLogger(__name__)

WARNING_INTERVAL = 60.0
"""Seconds between two warnings about a disk that fails."""

T = TypeVar("T")


class DiskError(Exception):
    """A temporary file cannot be created, written or read; the message says why."""


class DiskFile:
    """A file in the system's folder for temporary files; it ends with the process at the latest."""

    __slots__ = ("_file", "size")

    def __init__(self) -> None:
        """Create the file. Raises DiskError."""
        self.size = 0
        self._file = _disk().perform(_create)

    def append(self, data: bytes | bytearray) -> None:
        """Write at the end. Raises DiskError."""
        _disk().perform(_write_all, self._file.fileno(), data)
        self.size += len(data)

    def read(self, position: int, size: int) -> bytes:
        """Return `size` bytes; fewer at the end. Raises DiskError."""
        return _disk().perform(os.pread, self._file.fileno(), size, position)

    def close(self) -> None:
        """Delete the file."""
        _disk().close(self._file)


class _Disk:
    """The thread of this worker for files, which does one operation after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPool(1)
        self._next_warning = 0.0

    def perform(self, operation: Callable[..., T], *arguments: object) -> T:
        """Return the operation's result, while other greenlets run. Raises DiskError."""
        found: T | OSError = self._thread.apply(_caught, (operation, *arguments))
        if isinstance(found, OSError):
            now = monotonic()
            if now >= self._next_warning:
                self._next_warning = now + WARNING_INTERVAL
                log.warning("long bodies cannot be buffered on disk, and get a 500: %s", found)
            raise DiskError(str(found)) from found
        return found

    def close(self, file: FileIO) -> None:
        """Close a file after all operations on it."""
        # In the thread, because the greenlet that waited for an operation may have been killed: a number that
        # is closed too early may belong to another file by then.
        self._thread.spawn(file.close)


@cache
def _disk() -> _Disk:
    return _Disk()


def _caught(operation: Callable[..., T], *arguments: object) -> T | OSError:
    """Return the operation's result or error: gevent would print an error that leaves the thread."""
    try:
        return operation(*arguments)
    except OSError as error:
        return error


def _create() -> FileIO:
    return TemporaryFile(buffering=0)


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
