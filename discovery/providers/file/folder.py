"""Changes in a folder, told by the kernel."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

# One level beneath `watchfiles.watch`, which begins to watch only while it is waited on: what changes
# between the first reading of the files and that moment would be missed.
from watchfiles._rust_notify import RustNotify

QUIET_MS = 20
"""A burst of changes ends when none has come for so long …"""
BURST_MS = 50
"""… or when it has lasted so long."""
CHECK_MS = 2_000
"""The longest wait for a change: not all of them are told, such as those on network file systems."""


class FolderWatch:
    """Watches from the moment it is made; raises OSError when `folder` cannot be watched."""

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
        """Wait for changes, for CHECK_MS, or until `stop`; the paths that changed, if any."""
        told = self._notify.watch(BURST_MS, QUIET_MS, CHECK_MS, stop)
        return frozenset() if isinstance(told, str) else frozenset(Path(path) for _, path in told)

    def replaced(self) -> bool:
        """Whether another folder bears the name now, of which this watch hears nothing; may raise OSError."""
        return _identity(self._folder) != self._identity


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
