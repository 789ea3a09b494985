"""Watches folders for changes with the kernel's notifications."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType

# `watchfiles.watch` starts to watch only when it is first waited on, so changes between the first reading of
# the files and that moment would be missed. Hence the layer below it.
from watchfiles._rust_notify import RustNotify

logger = logging.getLogger(__name__)

QUIET_MS = 50
"""A burst of changes ends after this many milliseconds without a change …

The library wakes this often also while nothing changes.
"""
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
            self._notify = _watch(present)
        except OSError as error:
            if len(present) <= len(required):
                raise
            logger.warning("changes in %d folders are found later: %s", len(present) - len(required), error)
            self._notify = _watch(required)

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notify.close()

    def wait(self, stop: threading.Event, limit: float = math.inf) -> frozenset[Path]:
        """Wait for changes, CHECK_MS and `limit` seconds at most, or until `stop`; return what changed."""
        timeout = max(1, int(min(CHECK_MS, 1000 * limit)))
        changes = self._notify.watch(BURST_MS, QUIET_MS, timeout, stop)
        # A string says why the wait ended without changes.
        return frozenset() if isinstance(changes, str) else frozenset(Path(path) for _, path in changes)


def _watch(folders: Iterable[Path]) -> RustNotify:
    return RustNotify(
        [str(folder) for folder in folders],
        debug=False,
        force_polling=False,
        poll_delay_ms=CHECK_MS,
        recursive=False,
        ignore_permission_denied=True,
    )


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
