"""Rotated log files: their names, their retention and their compression.

Names are Traefik's: `rondpoint.log` becomes `rondpoint-2026-01-31T23-59-59.000.log`, in UTC.
"""

from __future__ import annotations

import _thread
import fcntl
import gzip
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

_TIME_FORMAT = "%Y-%m-%dT%H-%M-%S"
_COMPRESSED = ".gz"
_INCOMPLETE = ".part"


class Retention(Struct, frozen=True):
    """The rotated files to keep: at most `max_files`, for `days` days at most; 0 means no limit.

    With `compress` they are compressed.
    """

    max_files: int = 0
    days: int = 0
    compress: bool = True


def backup_path(path: Path, at: datetime) -> Path:
    """Return the name of the log at `path` once rotated at this moment, to the millisecond."""
    moment = f"{at.strftime(_TIME_FORMAT)}.{at.microsecond // 1000:03}"
    return path.with_name(f"{path.stem}-{moment}{path.suffix}")


def compressed_path(path: Path) -> Path:
    """Return the name of a rotated file once compressed."""
    return path.with_name(path.name + _COMPRESSED)


def rotation_time(path: Path, name: str) -> datetime | None:
    """Return when a file with this name was rotated from the log at `path`; None for any other file."""
    found = re.fullmatch(
        rf"{re.escape(path.stem)}-(\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d)\.(\d\d\d){re.escape(path.suffix)}(\.gz)?",
        name,
    )
    if found is None:
        return None
    try:
        second = datetime.strptime(found[1], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(milliseconds=int(found[2]))


def files_to_remove(path: Path, names: Iterable[str], retention: Retention, now: datetime) -> list[str]:
    """Return the names of those rotated files that the retention does not keep."""
    dated = [(at, name) for name in names if (at := rotation_time(path, name)) is not None]
    dated.sort(reverse=True)
    oldest = now - timedelta(days=retention.days)
    return [
        name
        for number, (at, name) in enumerate(dated)
        if (retention.max_files and number >= retention.max_files) or (retention.days and at < oldest)
    ]


def start_clean_up(path: Path, retention: Retention) -> None:
    """Remove and compress rotated files in a thread, so that no writer waits."""
    if retention == Retention(compress=False):
        return
    # gevent's replacement would run in the worker's own thread and block it.
    gevent: Any = sys.modules.get("gevent.monkey")
    start: Callable[..., object] = _thread.start_new_thread
    if gevent is not None:
        start = gevent.get_original("_thread", "start_new_thread")
    start(_clean_up_quietly, (path, retention))


def _clean_up_quietly(path: Path, retention: Retention) -> None:
    # The next rotation tries again after an error.
    with suppress(OSError):
        clean_up(path, retention)


def clean_up(path: Path, retention: Retention) -> None:
    """Remove and compress rotated files, in one process at a time. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        names = [each.name for each in path.parent.iterdir()]
        for name in files_to_remove(path, names, retention, datetime.now(UTC)):
            path.with_name(name).unlink(missing_ok=True)
        if not retention.compress:
            return
        for each in sorted(path.parent.iterdir()):
            if rotation_time(path, each.name) is not None and each.suffix != _COMPRESSED:
                _compress(each)
    finally:
        # A process forked meanwhile shares the file description, which would keep the lock.
        fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)


def _compress(path: Path) -> None:
    incomplete = path.with_name(path.name + _COMPRESSED + _INCOMPLETE)
    try:
        with path.open("rb") as plain, gzip.open(incomplete, "wb", compresslevel=6) as compressed:
            os.fchmod(compressed.fileno(), os.fstat(plain.fileno()).st_mode & 0o777)
            shutil.copyfileobj(plain, compressed, 1 << 20)
        incomplete.replace(compressed_path(path))
    except BaseException:
        incomplete.unlink(missing_ok=True)
        raise
    path.unlink()
