"""Copies trees from files into plain ones: texts, numbers, booleans, lists, and dicts with text keys."""

from __future__ import annotations

from collections.abc import Mapping

MAX_DEPTH = 50
MAX_VALUES = 2_000_000


class TooLargeError(ValueError):
    """A tree that is too deep or too large for a configuration; YAML aliases can expand without limit."""


def plain(tree: object) -> object:
    """Return a plain copy of `tree` that shares no values within it. Raises TooLargeError."""
    return _Copy().copy(tree, 0)


class _Copy:
    def __init__(self) -> None:
        self._left = MAX_VALUES

    def copy(self, value: object, depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise TooLargeError(f"more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise TooLargeError(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, Mapping):
            return {_name(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self.copy(item, depth + 1) for item in value]
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        return str(value)


def _name(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
