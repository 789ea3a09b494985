"""The application log in a file that several processes write, and that any of them may rotate.

Each line is one write to a file opened for appending. The writer holds a shared lock on the file and checks
that the path still leads to it. A process that rotates the file holds an exclusive lock while it renames the
file. Processes that waited for the lock then find that the path leads to another file. So no line is torn or
lost, and a renamed file gets no further line. A file that another program moved away is replaced by a new one
in the same manner. If a full disk has cut a line short, the next writer ends that line, also with an
exclusive lock.
"""

from __future__ import annotations

import fcntl
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rondpoint.logs.line_ends import ends_mid_line, open_reader
from rondpoint.logs.rotated_files import Retention, backup_path, compressed_path, start_clean_up

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LogFile(logging.Handler):
    """A log handler that writes to `path` and rotates the file before it exceeds `max_bytes` (0: never).

    Raises OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int = 0, retention: Retention | None = None) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._retention = retention
        self._rotation_error: OSError | None = None
        self._file = -1
        self._reader = -1
        self._owner = 0
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001 - like all handlers of logging: a log must not stop the program
            self.handleError(record)
            return
        fault, self._rotation_error = self._rotation_error, None
        if fault is not None:
            logging.getLogger(__name__).error("log.maxSize has no effect any more: %s", fault)

    def reopen(self) -> None:
        """Create the file again if it was moved away and no line has come since. Raises OSError."""
        self.acquire()
        try:
            self._lock(fcntl.LOCK_SH)
            self._unlock()
        finally:
            self.release()

    def close(self) -> None:
        self.acquire()
        try:
            self._close_files()
        finally:
            self.release()
        super().close()

    def _write(self, line: bytes) -> None:
        while True:
            self._lock(fcntl.LOCK_SH)
            try:
                if self._fits(line) and not self._has_torn_line():
                    _write_all(self._file, line)
                    return
            finally:
                self._unlock()
            self._lock(fcntl.LOCK_EX)
            try:
                # Another process may have done it before this one got the exclusive lock.
                if not self._fits(line):
                    self._rotate()
                elif self._has_torn_line():
                    _write_all(self._file, b"\n")
            finally:
                self._unlock()

    def _fits(self, line: bytes) -> bool:
        if not self._max_bytes:
            return True
        size = os.fstat(self._file).st_size
        return not size or size + len(line) <= self._max_bytes

    def _has_torn_line(self) -> bool:
        return self._reader >= 0 and ends_mid_line(self._reader)

    def _lock(self, kind: int) -> None:
        """Lock the file that the path leads to, with a file description of this process alone."""
        while True:
            if self._owner != os.getpid():
                # After a fork, parent and child share the file description, and so its lock.
                self._close_files()
            if self._file < 0:
                self._open()
            fcntl.flock(self._file, kind)
            if _is_open_file(self._file, self._path):
                return
            self._unlock()
            self._close_files()

    def _rotate(self) -> None:
        """Rename the file; the next check of the path creates a new one.

        If the path is a symbolic link, the link stays and its target is renamed.
        """
        try:
            path = self._path.resolve()
            if not _is_open_file(self._file, path):
                # The link has changed since the last check.
                return
            old = _unused_backup_path(path, datetime.now(UTC))
            path.rename(old)
            if _is_open_file(self._file, self._path):
                # The path names an open file rather than a folder entry, like `/dev/stdout`.
                old.rename(path)
                raise OSError(f"{self._path} leads to the same file after it was renamed")
        except OSError as error:
            self._max_bytes = 0
            self._rotation_error = error
            return
        if self._retention is not None:
            start_clean_up(path, self._retention)

    def _unlock(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, _FLAGS, 0o644)
        self._reader = open_reader(self._file)
        self._owner = os.getpid()

    def _close_files(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1


def _is_open_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _unused_backup_path(path: Path, now: datetime) -> Path:
    """Return a backup path for this moment that no other file has, compressed or not."""
    while True:
        backup = backup_path(path, now)
        if not backup.exists() and not compressed_path(backup).exists():
            return backup
        now += timedelta(milliseconds=1)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
