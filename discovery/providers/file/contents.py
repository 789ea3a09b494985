"""What the files said last, and what they say now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.dynamic import printable_path
from rondpoint.diagnostics import Diagnostic

Load = Callable[[Path], Decoded | Diagnostic]
"""What a file defines; or, where it cannot be read at all, why."""
Fingerprint = tuple[int, int, int, int]


class _File(Struct, frozen=True):
    fingerprint: Fingerprint | None
    decoded: Decoded


class FileContents:
    """Each file is read when it changed. One that cannot be read any more keeps what it last defined."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._files: dict[Path, _File] = {}

    def refresh(self, paths: Iterable[Path], touched: Collection[Path] = ()) -> bool:
        """Take these files as all there are, and read those that are new, changed, or among `touched`.

        Returns whether anything they define may be new.
        """
        files: dict[Path, _File] = {}
        changed = False
        for path in paths:
            known = self._files.get(path)
            fingerprint = _fingerprint(path)
            # A write within the clock's grain leaves the fingerprint as it was, hence `touched`.
            if known is None or known.fingerprint != fingerprint or path in touched:
                files[path] = _File(fingerprint, self._read(path, known))
                changed = changed or known is None or known.decoded != files[path].decoded
            else:
                files[path] = known
        changed = changed or files.keys() != self._files.keys()
        self._files = files
        return changed

    def decoded(self) -> list[Decoded]:
        """What each file defines, in the order the paths were given."""
        return [file.decoded for file in self._files.values()]

    def _read(self, path: Path, known: _File | None) -> Decoded:
        loaded = self._load(path)
        if isinstance(loaded, Decoded):
            return loaded
        if known is None or not _defines_something(known.decoded):
            return Decoded(printable_path(path), diagnostics=(loaded,))
        hint = "; ".join(part for part in (loaded.hint, "what the file said before stays in force") if part)
        return msgspec.structs.replace(
            known.decoded, diagnostics=(msgspec.structs.replace(loaded, hint=hint),)
        )


def _defines_something(decoded: Decoded) -> bool:
    return bool(decoded.routers or decoded.services or decoded.middlewares)


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
