"""Linux's notifications of changes in folders (inotify), without a thread and without polling."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from inotify_simple import INotify, flags

_OF_FILES = (
    flags.MODIFY
    | flags.ATTRIB
    | flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.CREATE
    | flags.DELETE
)
_OF_FOLDERS = flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR


class Inotify:
    """Watches of `folders`, without their subfolders. Raises OSError if the kernel refuses one of them.

    `fileno` is readable while there are unread changes.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._notifications = INotify()
        self._folders: dict[int, Path] = {}
        for folder in folders:
            try:
                watch = self._notifications.add_watch(folder, _OF_FILES | _OF_FOLDERS)
            except OSError as error:
                self.close()
                raise OSError(error.errno, error.strerror, str(folder)) from None
            self._folders[watch] = folder

    def fileno(self) -> int:
        """Return the file descriptor."""
        descriptor: int = self._notifications.fileno()
        return descriptor

    def read(self) -> set[Path]:
        """Return the files that changed since the last call, and the folders themselves if they did."""
        found: set[Path] = set()
        for event in self._notifications.read(timeout=0):
            folder = self._folders.get(event.wd)
            if folder is None:
                # The kernel's queue was full: any file may have changed.
                found.update(self._folders.values())
            else:
                found.add(folder / event.name if event.name else folder)
        return found

    def close(self) -> None:
        """End all watches."""
        self._notifications.close()
