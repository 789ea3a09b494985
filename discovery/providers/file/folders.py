"""Watches folders for changes with the kernel's notifications."""

from __future__ import annotations

import logging
import math
import os
import select
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType

from discovery.providers.file.inotify import Inotify

logger = logging.getLogger(__name__)

QUIET_MS = 50
"""A burst of changes ends after this many milliseconds without a change …"""
BURST_MS = 100
"""… or after this many milliseconds in total."""
CHECK_MS = 2_000
"""The longest wait in milliseconds: the kernel misses changes, for example on network file systems."""

Folders = Mapping[Path, tuple[int, int] | None]
"""Folders with their device and inode, None for a folder that does not exist."""


def look_at(required: Iterable[Path], others: Iterable[Path] = ()) -> Folders:
    """Return the present state of folders. Raises OSError if one of the `required` ones cannot be found."""
    found: dict[Path, tuple[int, int] | None] = {}
    for folder in others:
        try:
            found[folder] = _identity(folder)
        except OSError:
            found[folder] = None
    found |= {folder: _identity(folder) for folder in required}
    return found


class FolderWatch:
    """A watch on folders without their subfolders, active from its creation.

    If the kernel refuses to watch so many folders, only the `required` ones are watched. The constructor
    raises OSError if those cannot be watched.
    """

    def __init__(self, folders: Folders, required: Collection[Path]) -> None:
        self.folders = folders
        present = [folder for folder, identity in folders.items() if identity is not None]
        try:
            self._changes = Inotify(present)
        except OSError as error:
            if len(present) <= len(required):
                raise
            logger.warning("changes in %d folders are found later: %s", len(present) - len(required), error)
            self._changes = Inotify(required)

        # Two events cannot be waited for at once, but two file descriptors can.
        self._wake_up = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._changes, select.POLLIN)
        self._poll.register(self._wake_up, select.POLLIN)
        self._closing = threading.Lock()
        self._closed = False

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._closing:
            self._closed = True
            self._changes.close()
            os.close(self._wake_up)

    def interrupt(self) -> None:
        """End the present wait and all later ones; any thread may call it."""
        with self._closing:
            if not self._closed:
                os.eventfd_write(self._wake_up, 1)

    def wait(self, limit: float = math.inf) -> frozenset[Path]:
        """Wait for changes, CHECK_MS and `limit` seconds at most, or until interrupted; return the paths."""
        if not self._readable(max(1.0, min(CHECK_MS, 1000 * limit))):
            return frozenset()
        changed = self._changes.read()
        end = monotonic() + BURST_MS / 1000
        while (left := end - monotonic()) > 0 and self._readable(min(QUIET_MS, 1000 * left)):
            changed |= self._changes.read()
        return frozenset(changed)

    def _readable(self, milliseconds: float) -> bool:
        """Wait for a change; return False if there is none in that time, or after an interruption."""
        ready = {descriptor for descriptor, _ in self._poll.poll(math.ceil(milliseconds))}
        return bool(ready) and self._wake_up not in ready


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
