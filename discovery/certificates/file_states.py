"""Follows the states of the files that options name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from discovery.certificates.named_files import Fingerprint, fingerprint, named_path, places_of

FileState = tuple[Fingerprint, int]
"""A file's fingerprint, and the number of reported changes that left the fingerprint as it was."""

PEM_STATE: FileState = (None, -1)
"""The state of text that names no file, and never changes."""


class _File(Struct, frozen=True, gc=False):
    state: FileState
    places: tuple[Path, ...]


class FileStates:
    """The states of named files. Between `begin` and `finish`, each file is looked at once."""

    def __init__(self) -> None:
        self._known: dict[str, _File] = {}
        self._current: dict[str, _File] = {}
        self._touched: frozenset[Path] = frozenset()

    def begin(self, touched: Collection[Path]) -> None:
        """Begin to look at all files again; something has changed at the places in `touched`."""
        self._current = {}
        self._touched = frozenset(touched)

    def look_at(self, text: str) -> FileState:
        """Return the state of the file that the value of an option names."""
        file = self._current.get(text)
        if file is None:
            path = named_path(text)
            if path is None:
                return PEM_STATE
            file = self._current[text] = self._look(path, self._known.get(text))
        return file.state

    def finish(self) -> None:
        """Forget the files that were not looked at."""
        self._known, self._current = self._current, {}

    @property
    def any(self) -> bool:
        """Whether files are followed."""
        return bool(self._known)

    @property
    def folders(self) -> frozenset[Path]:
        """The folders in which a change can replace one of the files."""
        return frozenset(place.parent for file in self._known.values() for place in file.places)

    def _look(self, path: Path, known: _File | None) -> _File:
        now = fingerprint(path)
        if known is None:
            return _File((now, 0), places_of(path))
        before, changes = known.state
        if before != now:
            return _File((now, changes), places_of(path))
        # Two writes within one tick of the file system's clock leave the fingerprint as it was.
        if self._touched and not self._touched.isdisjoint(known.places):
            return _File((now, changes + 1), known.places)
        return known
