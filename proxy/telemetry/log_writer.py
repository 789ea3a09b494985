"""Writes access log lines to a file or to standard output, in batches of whole lines.

Several workers write to the same file or pipe. The file is opened for appending, which makes each write
atomic. A pipe keeps a write in one piece up to PIPE_BUF bytes, so the writer never sends more at once. A
write that a full disk cut short leaves half a line; the next write then begins a new line. A lock
distinguishes half a line from a write of another worker in progress. A thread does the writing: a slow disk
or a stalled reader must not delay requests.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
from gevent import get_hub, monkey
from gevent.event import Event

from proxy.background.supervised_task import supervised
from rondpoint.logs.line_ends import ends_mid_line, open_reader

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Longest time in seconds until lines are written."""

BATCH = 2000
"""Lines written at once, unless `accessLog.bufferingSize` sets another number."""

MAX_LINES = 50_000
"""Lines kept while they cannot be written; further lines are dropped and counted in `dropped`."""

MAX_BYTES = 64 << 20
"""Bytes of lines kept likewise: clients choose how long their lines are."""

_STANDARD_OUTPUT = 1
_MAX_WRITE = 1 << 20
_WRITE_TIMEOUT = 5.0
# IOV_MAX of Linux: the number of buffers that one writev call takes.
_VECTORS = 1024

_wait = monkey.get_original("select", "select")


class LogWriter:
    """Buffers lines, each with its line end, and writes them to `path` or, without one, to standard output.

    It calls `before_write` before each write, so that the log can add lines; it writes after `batch` lines.
    `dropped` counts the lines that were lost.
    """

    def __init__(self, path: Path | None, batch: int = 0) -> None:
        self._path = path
        self.batch = batch or BATCH
        self.before_write: Callable[[], None] = _nothing
        self._texts: list[bytes] = []
        self._count = 0
        self._bytes = 0
        self._wake = Event()
        self._file = -1 if path is not None else _STANDARD_OUTPUT
        self._max_write = _MAX_WRITE if path is not None else _max_write_size(_STANDARD_OUTPUT)
        # For standard output too: workers inherit one file description, which would also share its lock.
        self._reader: int | None = None
        self._reopen = False
        self._ending = False
        self._failure_logged = False
        self._greenlet: gevent.Greenlet[Any, Any] | None = None
        self.dropped = 0

    def add(self, text: bytes, count: int) -> None:
        """Queue `count` lines; they are written within INTERVAL seconds."""
        if self._count + count > MAX_LINES or self._bytes + len(text) > MAX_BYTES:
            self.dropped += count
            self._wake.set()
            return
        self._texts.append(text)
        self._count += count
        self._bytes += len(text)
        if self._count >= self.batch:
            self._wake.set()

    def start(self) -> None:
        """Start the greenlet that writes; it opens the file at once, to log errors early."""
        self._wake.set()
        self._greenlet = gevent.spawn(supervised, self._run)

    def reopen(self) -> None:
        """Open the path again after log rotation has renamed the file."""
        self._reopen = True
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Write all queued lines and close the file; wait up to `timeout` seconds for that."""
        self._ending = True
        self._wake.set()
        if self._greenlet is not None:
            self._greenlet.join(timeout)

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(INTERVAL)
            self._wake.clear()
            self._flush()
            if self._reopen:
                self._reopen = False
                self._close_file()
        self._flush()
        self._close_file()

    def _flush(self) -> None:
        self.before_write()
        if not self._texts and self._file >= 0:
            return
        texts, self._texts = self._texts, []
        count, self._count, self._bytes = self._count, 0, 0
        error = get_hub().threadpool.apply(self._write, (texts,))
        if error is None:
            self._failure_logged = False
            return
        self.dropped += count
        if not self._failure_logged:
            log.error("the access log cannot be written, its lines are lost: %s", error)
        self._failure_logged = True

    def _write(self, texts: Sequence[bytes]) -> OSError | None:
        # Return the error: gevent would print an exception raised in a pool thread.
        try:
            if self._file < 0 and self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o644)
                # The path may be a pipe, for example `/dev/stdout`.
                self._max_write = _max_write_size(self._file)
            if self._reader is None:
                self._reader = open_reader(self._file)
            with _locked(self._file, self._reader):
                for batch in group_texts(texts, self._max_write):
                    _write_all(self._file, batch)
        except OSError as error:
            return error
        return None

    def _close_file(self) -> None:
        if self._path is not None and self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._reader is not None and self._reader >= 0:
            os.close(self._reader)
        self._reader = None


def group_texts(texts: Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    """Group texts for one write each: at most `size` bytes in total; split larger texts between lines.

    The group is a list for writev: joining the texts would cost as much again as formatting them.
    """
    group: list[bytes] = []
    length = 0
    for text in texts:
        for piece in split_lines(text, size):
            if group and (length + len(piece) > size or len(group) >= _VECTORS):
                yield group
                group, length = [], 0
            group.append(piece)
            length += len(piece)
    if group:
        yield group


def split_lines(text: bytes, size: int) -> Iterator[bytes]:
    """Split lines into the fewest pieces of at most `size` bytes; a longer line is a piece of its own."""
    start = 0
    while len(text) - start > size:
        end = text.rfind(b"\n", start, start + size) + 1 or text.index(b"\n", start + size) + 1
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _max_write_size(file: int) -> int:
    try:
        mode: Any = os.fstat(file).st_mode
    except OSError:
        return _MAX_WRITE
    return _MAX_WRITE if stat.S_ISREG(mode) else select.PIPE_BUF


@contextmanager
def _locked(file: int, reader: int) -> Iterator[None]:
    """Hold the shared lock of the file while it ends with a whole line. Raises OSError."""
    if reader < 0 or not _lock(reader, fcntl.LOCK_SH):
        yield
        return
    try:
        # Before the exclusive lock is ours, another worker may complete the line or still be writing it.
        if ends_mid_line(reader) and _lock(reader, fcntl.LOCK_EX) and ends_mid_line(reader):
            _write_all(file, [b"\n"])
        yield
    finally:
        _lock(reader, fcntl.LOCK_UN)


def _lock(reader: int, kind: int) -> bool:
    """Lock the file; return False if the file system has no locks."""
    try:
        fcntl.flock(reader, kind)
    except OSError:
        return False
    return True


def _write_all(file: int, texts: Sequence[bytes]) -> None:
    left: Sequence[bytes | memoryview] = texts
    while left:
        try:
            written = os.writev(file, left)
        except BlockingIOError:
            # Another process that shares the file description has made it non-blocking.
            if not _wait([], [file], [], _WRITE_TIMEOUT)[1]:
                raise
            continue
        if written < sum(map(len, left)):
            left = [memoryview(b"".join(left))[written:]]
        else:
            return


def _nothing() -> None:
    pass
