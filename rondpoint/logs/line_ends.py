"""Whether what is in a file ends with a line's end, or in the middle of a line.

A write is cut short where the disk is full, or its process is killed. What is written next would go on in
that line, and neither could be read.
"""

from __future__ import annotations

import os
import stat
from typing import Any


def reader_of(file: int) -> int:
    """A descriptor, with a description of its own, that reads what `file` writes; -1 where that cannot be.

    It cannot be of a pipe, where nothing is to be read again, nor of a file that we may write only.
    """
    try:
        mode: Any = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            return -1
        return os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def is_torn(reader: int) -> bool:
    """Whether the last line has no end: of another process's write, maybe, unless a lock keeps it out."""
    size = os.fstat(reader).st_size
    return size > 0 and os.pread(reader, 1, size - 1) not in (b"\n", b"")
