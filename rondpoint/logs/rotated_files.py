"""Files that a log was rotated to: what they are called, which are kept, and that they are compressed.

Names are those of Traefik: `rondpoint.log` becomes `rondpoint-2026-01-31T23-59-59.000.log`, in UTC.
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

_FORM = "%Y-%m-%dT%H-%M-%S"
_COMPRESSED = ".gz"
_HALF_DONE = ".part"


class Retention(Struct, frozen=True):
    """`most` files of `days` days at most are kept, 0 for any number; `compress` has them compressed."""

    most: int = 0
    days: int = 0
    compress: bool = True


def backup_path(path: Path, at: datetime) -> Path:
    """What the log at `path` is called from this moment on, to the millisecond."""
    moment = f"{at.strftime(_FORM)}.{at.microsecond // 1000:03}"
    return path.with_name(f"{path.stem}-{moment}{path.suffix}")


def compressed_path(path: Path) -> Path:
    return path.with_name(path.name + _COMPRESSED)


def written_until(path: Path, name: str) -> datetime | None:
    """When a file of this name was the log at `path` for the last time; None for any other file."""
    found = re.fullmatch(
        rf"{re.escape(path.stem)}-(\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d)\.(\d\d\d){re.escape(path.suffix)}(\.gz)?",
        name,
    )
    if found is None:
        return None
    try:
        second = datetime.strptime(found[1], _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(milliseconds=int(found[2]))


def surplus(path: Path, names: Iterable[str], retention: Retention, now: datetime) -> list[str]:
    """Of these names, those of old logs that are not to be kept."""
    dated = [(at, name) for name in names if (at := written_until(path, name)) is not None]
    dated.sort(reverse=True)
    oldest = now - timedelta(days=retention.days)
    return [
        name
        for number, (at, name) in enumerate(dated)
        if (retention.most and number >= retention.most) or (retention.days and at < oldest)
    ]


def tidy(path: Path, retention: Retention) -> None:
    """Remove and compress old logs, in a thread: nobody is to wait for it."""
    if retention == Retention(compress=False):
        return
    # What gevent has put in its place would hold up all others.
    gevent: Any = sys.modules.get("gevent.monkey")
    start: Callable[..., object] = _thread.start_new_thread
    if gevent is not None:
        start = gevent.get_original("_thread", "start_new_thread")
    start(_tidied, (path, retention))


def _tidied(path: Path, retention: Retention) -> None:
    # What goes wrong here is tried again at the next rotation.
    with suppress(OSError):
        tidied(path, retention)


def tidied(path: Path, retention: Retention) -> None:
    """Remove and compress old logs; of several processes, one after the other. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        names = [each.name for each in path.parent.iterdir()]
        for name in surplus(path, names, retention, datetime.now(UTC)):
            path.with_name(name).unlink(missing_ok=True)
        if not retention.compress:
            return
        for each in sorted(path.parent.iterdir()):
            if written_until(path, each.name) is not None and each.suffix != _COMPRESSED:
                _compress(each)
    finally:
        # A process that was forked meanwhile has the description too, which would keep the lock.
        fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)


def _compress(path: Path) -> None:
    half = path.with_name(path.name + _COMPRESSED + _HALF_DONE)
    try:
        with path.open("rb") as plain, gzip.open(half, "wb", compresslevel=6) as compressed:
            os.fchmod(compressed.fileno(), os.fstat(plain.fileno()).st_mode & 0o777)
            shutil.copyfileobj(plain, compressed, 1 << 20)
        half.replace(compressed_path(path))
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    path.unlink()
