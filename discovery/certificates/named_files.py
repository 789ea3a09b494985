"""Reads the files that options name, and finds where a change can replace their contents."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from discovery.certificates.errors import ContentsError
from rondpoint.certificate_options import is_pem

MAX_BYTES = 1024 * 1024
"""The largest file that is read."""

_MAX_LINKS = 40
"""Symbolic links on the way to a file; Linux follows no more, either."""

Fingerprint = tuple[int, int, int, int] | None
"""Device, inode, size and time of the last change of a file; None if there is no such file."""


def named_path(text: str) -> Path | None:
    """Return the path of the file that the value of an option names; None if the value is PEM text."""
    return None if is_pem(text) else Path(text).absolute()


def fingerprint(path: Path) -> Fingerprint:
    """Return what changes when a file is written or replaced."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def read_named(option: str, text: str) -> str:
    """Return PEM text as it is, and the text of the file that any other value names.

    Raises ContentsError, with this option.
    """
    path = named_path(text)
    if path is None:
        return text
    try:
        # Opening a named pipe otherwise would wait for a writer.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise ContentsError(option, "is no file", "expected the name of a file with PEM text")
            content = os.read(file, MAX_BYTES + 1)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:
        if isinstance(error, ContentsError):
            raise
        reason = getattr(error, "strerror", None) or error
        hint = "the agent reads the file, so it must exist on the agent's machine and be readable there"
        raise ContentsError(option, f"cannot be read: {reason}", hint) from None
    if len(content) > MAX_BYTES:
        raise ContentsError(option, f"has more than {MAX_BYTES:,} bytes", "name a file with PEM text")
    return content.decode("latin-1")


def places_of(path: Path) -> tuple[Path, ...]:
    """Return the symbolic links on the way to a file and the file itself, each in a folder without links.

    A change of one of them can replace the contents: Certbot and Kubernetes do so by changing links. If a
    part of the way is missing, it is the last place.
    """
    left = list(reversed(path.parts[1:]))
    found = Path("/")
    places: list[Path] = []
    while left and len(places) < _MAX_LINKS:
        name = left.pop()
        if name == "..":
            found = found.parent
            continue
        entry = found / name
        try:
            target = entry.readlink()
        except FileNotFoundError:
            return (*places, entry)
        except (OSError, ValueError):
            # It is no symbolic link.
            found = entry
            continue
        places.append(entry)
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        found = Path("/") if target.is_absolute() else found
    return (*places, found)
