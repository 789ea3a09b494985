"""Lists of users as `htpasswd` and `htdigest` write them, inline or in a file."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

Users = Mapping[bytes, str]
"""Hashes by user; for `htdigest` lists by user, colon and realm."""

FileState = tuple[int, int, int, int]
"""What changes with a file: inode, size in bytes, times of the last changes in nanoseconds."""

MAX_FILE_BYTES = 16 << 20

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class UserListError(ValueError):
    """A list of users cannot be used; the message never contains a hash."""


def parse_users(lines: Iterable[bytes], parts: int) -> dict[bytes, str]:
    """Return the users of `NAME:HASH` lines (2 `parts`) or `NAME:REALM:HASH` lines (3).

    Empty lines and lines that begin with `#` are skipped. Raises UserListError.
    """
    users: dict[bytes, str] = {}
    for number, line in enumerate(map(bytes.strip, lines), 1):
        if not line or line.startswith(b"#"):
            continue
        pieces = line.split(b":")
        if len(pieces) != parts or not all(pieces):
            form = "NAME:HASH" if parts == 2 else "NAME:REALM:HASH"
            raise UserListError(f"user {number} does not have the form {form}")
        name = b":".join(pieces[:-1])
        if _CONTROL.search(name):
            raise UserListError(f"the name of user {number} contains a control character")
        users[name] = pieces[-1].decode("latin-1")
    return users


def file_state(path: Path) -> FileState:
    """Return the state of a regular file. Raises OSError, UserListError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise UserListError(f"{path} is no file")
    if found.st_size > MAX_FILE_BYTES:
        raise UserListError(f"{path} has more than {MAX_FILE_BYTES} bytes")
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_users(path: Path, parts: int) -> tuple[FileState, dict[bytes, str]]:
    """Return the state of a file before it was read, and its users. Raises UserListError."""
    try:
        state = file_state(path)
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserListError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return state, parse_users(lines, parts)
    except UserListError as user_list_error:
        raise UserListError(f"{path}: {user_list_error}") from None
