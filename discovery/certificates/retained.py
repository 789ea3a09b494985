"""Remembers what files held, and reads them again when they changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from discovery.certificates.errors import ContentsError
from discovery.certificates.file_states import FileState, FileStates

K = TypeVar("K")
V = TypeVar("V")


class Contents(Struct, Generic[V], frozen=True, gc=False):
    """`value` is the last valid contents, None if there never were any; `fault` says why the newest are not.

    `states` are those of the files.
    """

    states: tuple[FileState, ...]
    value: V | None
    fault: ContentsError | None


class RetainedContents(Generic[K, V]):
    """The contents of files by a key.

    Files that can no longer be used keep in force what they held before. Certificate and key are replaced one
    after the other, so for a moment they do not fit each other.
    """

    def __init__(self) -> None:
        self._before: dict[K, Contents[V]] = {}
        self._current: dict[K, Contents[V]] = {}

    def read(self, key: K, texts: tuple[str, ...], files: FileStates, load: Callable[[], V]) -> Contents[V]:
        """Return the contents of the files that `texts` name; `load` reads them, or raises ContentsError."""
        states = tuple(map(files.look_at, texts))
        known = self._current.get(key) or self._before.get(key)
        if known is None or known.states != states:
            try:
                known = Contents(states, load(), None)
            except ContentsError as error:
                known = Contents(states, None if known is None else known.value, error)
        self._current[key] = known
        return known

    def finish(self) -> None:
        """Forget what was not read since the last call."""
        self._before, self._current = self._current, {}
