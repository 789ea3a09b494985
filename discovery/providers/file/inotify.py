"""Linux's notifications of changes in folders (inotify), without a thread and without polling.

See inotify(7). Python has no module for it.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

MODIFY = 0x002
ATTRIB = 0x004
CLOSE_WRITE = 0x008
MOVED_FROM = 0x040
MOVED_TO = 0x080
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
ONLYDIR = 0x0100_0000

_OF_FILES = MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
_OF_FOLDERS = DELETE_SELF | MOVE_SELF | ONLYDIR

_EVENT = struct.Struct("iIII")
"""The head of an event: watch descriptor, mask, cookie, length of the name that follows."""

_READ_BYTES = 64 * 1024


class Inotify:
    """Watches of `folders`, without their subfolders. Raises OSError if the kernel refuses one of them.

    `fileno` is readable while there are unread changes.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders: dict[int, Path] = {}
        self._descriptor = _checked(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            for folder in folders:
                watch = _libc().inotify_add_watch(
                    self._descriptor, os.fsencode(folder), _OF_FILES | _OF_FOLDERS | ONLYDIR
                )
                self._folders[_checked(watch, folder)] = folder
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def read(self) -> set[Path]:
        """Return the files that changed since the last call, and the folders themselves if they did."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return set()
        found: set[Path] = set()
        for watch, name in _events(data):
            folder = self._folders.get(watch)
            if folder is None:
                # The kernel's queue was full: any file may have changed.
                found.update(self._folders.values())
            else:
                found.add(folder / os.fsdecode(name) if name else folder)
        return found

    def close(self) -> None:
        """End all watches."""
        os.close(self._descriptor)


def _events(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the watch descriptor and the name of each event."""
    at = 0
    while at < len(data):
        watch, _, _, length = _EVENT.unpack_from(data, at)
        at += _EVENT.size + length
        yield watch, data[at - length : at].rstrip(b"\0")


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, path: Path | None = None) -> int:
    """Return the result of a call. Raises OSError if the call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *([] if path is None else [str(path)]))
    return result
