"""Checks whether a log file ends in the middle of a line.

A full disk or a killed process cuts a write short. The next write would continue that line, and neither could
be read.
"""

from __future__ import annotations

import os
import stat
from typing import Any


def open_reader(file: int) -> int:
    """Open a second, separate descriptor that reads what `file` writes; return -1 if that is impossible.

    It is impossible for a pipe, which cannot be read again, and for a file that we may only write.
    """
    try:
        mode: Any = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            return -1
        return os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def ends_mid_line(reader: int) -> bool:
    """Return whether the last line has no end; without a lock, another process may still be writing it."""
    size = os.fstat(reader).st_size
    return size > 0 and os.pread(reader, 1, size - 1) not in (b"\n", b"")
