"""Reads the files that options name, and finds where a change can replace their contents.

Paths are texts here: objects for them would double the time that a check of thousands of files takes.
"""

from __future__ import annotations

import os
import stat

from discovery.certificates.errors import ContentsError
from rondpoint.certificate_options import is_pem

MAX_BYTES = 1024 * 1024
"""The largest file that is read."""

_PART = 16384
_MAX_LINKS = 40
"""Symbolic links on the way to a file; Linux follows no more, either."""

Fingerprint = tuple[int, int, int, int] | None
"""Device, inode, size and time of the last change of a file; None if there is no such file."""


def named_path(text: str) -> str | None:
    """Return the absolute path of the file that the value of an option names; None for PEM text."""
    return None if is_pem(text) else os.path.join(os.getcwd(), text)  # noqa: PTH109, PTH118


def fingerprint(path: str) -> Fingerprint:
    """Return what changes when a file is written or replaced."""
    try:
        status = os.stat(path)  # noqa: PTH116
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
            content = _read_up_to(file, MAX_BYTES + 1)
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


def _read_up_to(file: int, limit: int) -> bytes:
    # The buffer of one read for the largest file would cost more time than the file.
    content = b""
    while len(content) < limit and (part := os.read(file, _PART)):
        content += part
    return content


def places_of(path: str) -> tuple[str, ...]:
    """Return the symbolic links on the way to a file and the file itself, each in a folder without links.

    A change of one of them can replace the contents: Certbot and Kubernetes do so by changing links. If a
    part of the way is missing, it is the last place.
    """
    left = path.split("/")[::-1]
    found = ""
    places: list[str] = []
    while left and len(places) < _MAX_LINKS:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            found = found.rpartition("/")[0]
            continue
        entry = f"{found}/{name}"
        try:
            target = os.readlink(entry)  # noqa: PTH115
        except FileNotFoundError:
            return (*places, entry)
        except (OSError, ValueError):
            # It is no symbolic link.
            found = entry
            continue
        places.append(entry)
        left += target.split("/")[::-1]
        found = "" if target.startswith("/") else found
    return (*places, found or "/")
