"""Follows the states of the files that options name."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from discovery.certificates.named_files import Fingerprint, fingerprint, named_path, places_of

FileState = tuple[Fingerprint, int]
"""A file's fingerprint, and the number of reported changes that left the fingerprint as it was."""

PEM_STATE: FileState = (None, -1)
"""The state of text that names no file, and never changes."""


class _File(Struct, frozen=True, gc=False):
    path: str
    state: FileState
    places: tuple[str, ...]


class FileStates:
    """The states of named files. Between `begin` and `finish`, each file is looked at once.

    `folders` are those in which a change can replace one of the files.
    """

    def __init__(self) -> None:
        self._known: dict[str, _File] = {}
        self._current: dict[str, _File] = {}
        self._touched: frozenset[str] = frozenset()
        self._moved = False
        self.folders: frozenset[Path] = frozenset()

    def begin(self, touched: Collection[Path]) -> None:
        """Begin to look at all files again; something has changed at the places in `touched`."""
        self._current = {}
        self._touched = frozenset(map(str, touched))
        self._moved = False

    def look_at(self, text: str) -> FileState:
        """Return the state of the file that the value of an option names."""
        file = self._current.get(text)
        if file is None:
            known = self._known.get(text)
            path = named_path(text) if known is None else known.path
            if path is None:
                return PEM_STATE
            file = self._current[text] = self._look(path, known)
        return file.state

    def finish(self) -> None:
        """Forget the files that were not looked at."""
        if self._moved or self._current.keys() != self._known.keys():
            places = {place for file in self._current.values() for place in file.places}
            self.folders = frozenset(map(Path, {os.path.dirname(place) for place in places}))  # noqa: PTH120
        self._known, self._current = self._current, {}

    @property
    def any(self) -> bool:
        """Whether files are followed."""
        return bool(self._known)

    def _look(self, path: str, known: _File | None) -> _File:
        now = fingerprint(path)
        if known is not None and known.state[0] == now:
            # Two writes within one tick of the file system's clock leave the fingerprint as it was.
            if not self._touched or self._touched.isdisjoint(known.places):
                return known
            return _File(path, (now, known.state[1] + 1), known.places)
        self._moved = True
        return _File(path, (now, 0 if known is None else known.state[1]), places_of(path))
