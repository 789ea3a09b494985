"""The application log in a file that several processes write to, and that any of them may rotate.

Each line is one write to a file that is open for appending, under a shared lock on it, after a look whether
the path still leads there. Who rotates holds the lock alone while the file gets another name; whoever waited
then finds that the path leads elsewhere. So no line is torn or lost, and a file that has another name gets no
further line. A file that somebody else moved away is followed by a new one in the same manner. A line that
was cut short, where the disk was full, is ended by whoever writes next, with the lock alone too.
"""

from __future__ import annotations

import fcntl
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rondpoint.logs.line_ends import is_torn, reader_of
from rondpoint.logs.rotated_files import Retention, backup_path, compressed_path, tidy

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LogFile(logging.Handler):
    """Writes to `path`, and starts it anew where it would come to more than `max_bytes` (0: never).

    Raises OSError where it cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int = 0, retention: Retention | None = None) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._retention = retention
        self._fault: OSError | None = None
        self._file = -1
        self._reader = -1
        self._owner = 0
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001 - as all handlers of logging do: a log takes nothing down
            self.handleError(record)
            return
        fault, self._fault = self._fault, None
        if fault is not None:
            logging.getLogger(__name__).error("log.maxSize has no effect any more: %s", fault)

    def reopen(self) -> None:
        """Have the file there, though no line has come since the old one was moved away. Raises OSError."""
        self.acquire()
        try:
            self._lock(fcntl.LOCK_SH)
            self._unlock()
        finally:
            self.release()

    def close(self) -> None:
        self.acquire()
        try:
            self._shut()
        finally:
            self.release()
        super().close()

    def _write(self, line: bytes) -> None:
        while True:
            self._lock(fcntl.LOCK_SH)
            try:
                if self._fits(line) and not self._is_torn():
                    _write_all(self._file, line)
                    return
            finally:
                self._unlock()
            self._lock(fcntl.LOCK_EX)
            try:
                # Until the lock was ours alone, another process may have done it.
                if not self._fits(line):
                    self._rotate()
                elif self._is_torn():
                    _write_all(self._file, b"\n")
            finally:
                self._unlock()

    def _fits(self, line: bytes) -> bool:
        if not self._max_bytes:
            return True
        size = os.fstat(self._file).st_size
        return not size or size + len(line) <= self._max_bytes

    def _is_torn(self) -> bool:
        return self._reader >= 0 and is_torn(self._reader)

    def _lock(self, kind: int) -> None:
        """Lock the file that the path leads to, in a description of this process's own."""
        while True:
            if self._owner != os.getpid():
                # What was inherited is one description for all, and so would be its lock.
                self._shut()
            if self._file < 0:
                self._open()
            fcntl.flock(self._file, kind)
            if _same(self._file, self._path):
                return
            self._unlock()
            self._shut()

    def _rotate(self) -> None:
        """Give the file another name; a new one comes with the next look.

        Where the path is a symbolic link that stays, and what it leads to is renamed.
        """
        try:
            path = self._path.resolve()
            if not _same(self._file, path):
                # The link leads elsewhere since the last look.
                return
            old = _free(path, datetime.now(UTC))
            path.rename(old)
            if _same(self._file, self._path):
                # No name in a folder but that of an open file, as `/dev/stdout` is.
                old.rename(path)
                raise OSError(f"{self._path} leads to the same file whatever that is called")
        except OSError as error:
            self._max_bytes = 0
            self._fault = error
            return
        if self._retention is not None:
            tidy(path, self._retention)

    def _unlock(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, _FLAGS, 0o644)
        self._reader = reader_of(self._file)
        self._owner = os.getpid()

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1


def _same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _free(path: Path, now: datetime) -> Path:
    """A name of this moment that no older file has, compressed or not."""
    while True:
        backup = backup_path(path, now)
        if not backup.exists() and not compressed_path(backup).exists():
            return backup
        now += timedelta(milliseconds=1)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
