"""Lines on their way to a file or to standard output: gathered, and written in batches, each line whole.

Several workers write to the same place. A file is opened for appending, where one write is one piece; a
pipe keeps a write in one piece up to PIPE_BUF bytes, so it gets no more than that at once. Where a write was
cut short, since the disk was full, the next one begins a new line; a lock tells that from a write of another
worker that is under way. The writing itself happens in a thread: a slow disk, or a reader that does not read,
must not hold up requests.
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
from rondpoint.logs.line_ends import is_torn, reader_of

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds after which lines are written, however few."""

BATCH = 2000
"""Lines that are written at once, when nothing else was asked for."""

MOST = 50_000
"""Lines kept while they cannot be written; what comes beyond is counted in `dropped`."""

MOST_BYTES = 64 << 20
"""Of such lines: clients choose how long theirs are."""

_STANDARD_OUTPUT = 1
_PIECE = 1 << 20
_PATIENCE = 5.0
# IOV_MAX of Linux: so many pieces one call takes.
_VECTORS = 1024

_wait = monkey.get_original("select", "select")


class LogWriter:
    """Takes lines, each with its line end, and writes them. Without a path they go to standard output.

    `gather` is called ahead of writing, for what else there is to be added; `batch` are the lines written at
    once.
    """

    def __init__(self, path: Path | None, batch: int = 0) -> None:
        self._path = path
        self.batch = batch or BATCH
        self.gather: Callable[[], None] = _nothing
        self._texts: list[bytes] = []
        self._count = 0
        self._bytes = 0
        self._wake = Event()
        self._file = -1 if path is not None else _STANDARD_OUTPUT
        self._piece = _PIECE if path is not None else _piece_of(_STANDARD_OUTPUT)
        # Of standard output too: what workers inherit is one description for all, and so would be its lock.
        self._reader: int | None = None
        self._reopen = False
        self._ending = False
        self._complained = False
        self._greenlet: gevent.Greenlet[Any, Any] | None = None
        self.dropped = 0

    def add(self, text: bytes, count: int) -> None:
        """Have these lines, so many of them, written within INTERVAL."""
        if self._count + count > MOST or self._bytes + len(text) > MOST_BYTES:
            self.dropped += count
            self._wake.set()
            return
        self._texts.append(text)
        self._count += count
        self._bytes += len(text)
        if self._count >= self.batch:
            self._wake.set()

    def start(self) -> None:
        """Spawn what writes, and have it open the file at once: that it cannot is better known early."""
        self._wake.set()
        self._greenlet = gevent.spawn(supervised, self._run)

    def reopen(self) -> None:
        """Go on in the file that has the path's name now: the old one was moved away."""
        self._reopen = True
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Write what there is, within `timeout` seconds."""
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
        self.gather()
        if not self._texts and self._file >= 0:
            return
        texts, self._texts = self._texts, []
        count, self._count, self._bytes = self._count, 0, 0
        error = get_hub().threadpool.apply(self._write, (texts,))
        if error is None:
            self._complained = False
            return
        self.dropped += count
        if not self._complained:
            log.error("the access log cannot be written, and its lines are lost: %s", error)
        self._complained = True

    def _write(self, texts: Sequence[bytes]) -> OSError | None:
        # What is raised in a thread of the pool, gevent prints.
        try:
            if self._file < 0 and self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o644)
                # The path may lead to a pipe, as `/dev/stdout` may.
                self._piece = _piece_of(self._file)
            if self._reader is None:
                self._reader = reader_of(self._file)
            with _locked(self._file, self._reader):
                for some in together(texts, self._piece):
                    _write_all(self._file, some)
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


def together(texts: Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    """What is written at once: whole texts of up to `size` bytes in all, as a larger one's pieces are.

    To join them would cost as much again as to make them.
    """
    some: list[bytes] = []
    length = 0
    for text in texts:
        for piece in pieces(text, size):
            if some and (length + len(piece) > size or len(some) >= _VECTORS):
                yield some
                some, length = [], 0
            some.append(piece)
            length += len(piece)
    if some:
        yield some


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    """Lines in as few pieces as may be of at most `size` bytes; a longer line is a piece of its own."""
    start = 0
    while len(text) - start > size:
        end = text.rfind(b"\n", start, start + size) + 1 or text.index(b"\n", start + size) + 1
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _piece_of(file: int) -> int:
    try:
        mode: Any = os.fstat(file).st_mode
    except OSError:
        return _PIECE
    return _PIECE if stat.S_ISREG(mode) else select.PIPE_BUF


@contextmanager
def _locked(file: int, reader: int) -> Iterator[None]:
    """Share the file with others who write whole lines, at the beginning of one. Raises OSError."""
    if reader < 0 or not _lock(reader, fcntl.LOCK_SH):
        yield
        return
    try:
        # Until the lock is ours alone, another worker may have ended the line, or only been writing.
        if is_torn(reader) and _lock(reader, fcntl.LOCK_EX) and is_torn(reader):
            _write_all(file, [b"\n"])
        yield
    finally:
        _lock(reader, fcntl.LOCK_UN)


def _lock(reader: int, kind: int) -> bool:
    """False where the file system has no locks."""
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
            # Whoever shares it has made it non-blocking.
            if not _wait([], [file], [], _PATIENCE)[1]:
                raise
            continue
        if written < sum(map(len, left)):
            left = [memoryview(b"".join(left))[written:]]
        else:
            return


def _nothing() -> None:
    pass
