"""Holds the decoded contents of each file, and reads a file again after it changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.dynamic import printable_path
from discovery.providers.last_valid import keep_last_valid
from rondpoint.diagnostics import Diagnostic

Load = Callable[[Path], Decoded | Diagnostic]
"""Reads one file; returns what it defines, or a diagnostic if the file cannot be read."""
Fingerprint = tuple[int, int, int, int]


class _File(Struct, frozen=True):
    fingerprint: Fingerprint | None
    decoded: Decoded


class FileContents:
    """The contents of all files. A file that can no longer be read keeps the last contents that could be."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._files: dict[Path, _File] = {}

    def refresh(self, paths: Iterable[Path], touched: Collection[Path] = ()) -> bool:
        """Take `paths` as the complete list of files; read those that are new, changed, or in `touched`.

        Returns whether the definitions may have changed.
        """
        files: dict[Path, _File] = {}
        changed = False
        for path in paths:
            known = self._files.get(path)
            fingerprint = _fingerprint(path)
            # Two writes within one tick of the file system's clock leave the fingerprint unchanged, hence
            # `touched`.
            if known is None or known.fingerprint != fingerprint or path in touched:
                files[path] = _File(fingerprint, self._read(path, known))
                changed = changed or known is None or known.decoded != files[path].decoded
            else:
                files[path] = known
        changed = changed or files.keys() != self._files.keys()
        self._files = files
        return changed

    def decoded(self) -> list[Decoded]:
        """Return what each file defines, in the order of the given paths."""
        return [file.decoded for file in self._files.values()]

    def _read(self, path: Path, known: _File | None) -> Decoded:
        loaded = self._load(path)
        if isinstance(loaded, Decoded):
            return loaded
        last = None if known is None else known.decoded
        return keep_last_valid(last, printable_path(path), loaded, "file")


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
