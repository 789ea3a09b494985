"""Watches a folder for changes with the kernel's notifications."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

# `watchfiles.watch` starts to watch only when it is first waited on, so changes between the first reading of
# the files and that moment would be missed. Hence the layer below it.
from watchfiles._rust_notify import RustNotify

QUIET_MS = 20
"""A burst of changes ends after this many milliseconds without a change …"""
BURST_MS = 50
"""… or after this many milliseconds in total."""
CHECK_MS = 2_000
"""The longest wait in milliseconds: the kernel misses changes, for example on network file systems."""


class FolderWatch:
    """A watch on a folder, active from its creation.

    The constructor raises OSError if it cannot be watched.
    """

    def __init__(self, folder: Path, recursive: bool) -> None:
        self._folder = folder
        self._identity = _identity(folder)
        self._notify = RustNotify(
            [str(folder)],
            debug=False,
            force_polling=False,
            poll_delay_ms=CHECK_MS,
            recursive=recursive,
            ignore_permission_denied=True,
        )

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notify.close()

    def wait(self, stop: threading.Event) -> frozenset[Path]:
        """Wait for changes, for CHECK_MS at most, or until `stop`; return the paths that changed."""
        changes = self._notify.watch(BURST_MS, QUIET_MS, CHECK_MS, stop)
        # A string says why the wait ended without changes.
        return frozenset() if isinstance(changes, str) else frozenset(Path(path) for _, path in changes)

    def replaced(self) -> bool:
        """Return whether the path now names another folder, which this watch does not see. Raises OSError."""
        return _identity(self._folder) != self._identity


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
