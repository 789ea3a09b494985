"""Reads and writes the file of a resolver, which holds private keys: its mode must be 0600."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

MODE = 0o600


class StorageError(Exception):
    """The file cannot be used; the message says why, and `hint` what mends it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read(path: Path) -> str:
    """Return the contents of the file, or an empty text if there is none. Raises StorageError.

    A file that others than its owner may read is refused, as Traefik does.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise StorageError(
                    f"permissions {mode:o} for {path} are too open, please use 600",
                    f"run: chmod 600 {path}; if others could read it, revoke its certificates",
                )
            return file.read().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise StorageError(f"{path} is damaged: it is not text", f"restore or remove {path}") from None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror}", "let the agent read and write the file"
        ) from None


def write(path: Path, text: str) -> None:
    """Replace the contents of the file in one step, with mode 0600. Raises StorageError.

    A file that is mounted by itself into a container cannot be replaced; its contents are then overwritten.
    """
    target = path.resolve()
    try:
        try:
            _replace(target, text.encode())
        except OSError:
            if not target.exists():
                raise
            _overwrite(target, text.encode())
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}",
            "let the agent write the file, or set an empty storage: the store has everything, too",
        ) from None


def _replace(target: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, MODE)
            with suppress(OSError):
                # Only root may give a file to its former owner.
                owner = target.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _overwrite(target: Path, content: bytes) -> None:
    with target.open("r+b") as file:
        os.fchmod(file.fileno(), MODE)
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
