"""Parses YAML into trees; errors have a line and a column."""

from __future__ import annotations

from typing import Any

import yaml

from discovery.decoding.plain_trees import MAX_DEPTH, TooLargeError, plain
from discovery.dynamic.syntax_error import FileSyntaxError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # this PyYAML was built without libyaml, which is some ten times as fast
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


def parse_yaml(text: str) -> object:
    """Parse YAML into plain values. Raises FileSyntaxError."""
    try:
        check_yaml(text)
        return plain(yaml.load(text, _Loader))
    except FileSyntaxError:
        raise
    except yaml.MarkedYAMLError as error:
        raise _error_at(error.problem_mark or error.context_mark, error.problem or "not YAML") from None
    except yaml.reader.ReaderError as reader_error:
        before = text[: reader_error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise FileSyntaxError(str(reader_error.reason), line, column) from None
    except TooLargeError as size_error:
        raise FileSyntaxError(str(size_error)) from None
    except ValueError as value_error:
        # The loader converts texts that look like dates or numbers, and does not wrap its errors.
        raise FileSyntaxError(str(value_error)) from None


def check_yaml(text: str) -> None:
    """Refuse YAML that is nested too deeply for the loader's stack, and keys that are given twice.

    Raises FileSyntaxError, TooLargeError, and PyYAML's errors.
    """
    levels: list[_Level] = []
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
            continue
        if isinstance(event, yaml.NodeEvent) and levels:
            levels[-1].check_key(event)
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append(_Level(isinstance(event, yaml.MappingStartEvent)))
            if len(levels) > MAX_DEPTH:
                raise TooLargeError(f"nested more than {MAX_DEPTH} levels deep")


def _error_at(mark: Any, message: str) -> FileSyntaxError:
    """Create an error at a PyYAML mark; PyYAML has two types of marks without a common base."""
    return FileSyntaxError(message, *((mark.line + 1, mark.column + 1) if mark else (0, 0)))


class _Level:
    """An open collection: whether the next node is a key, and the keys so far."""

    def __init__(self, mapping: bool) -> None:
        self._mapping = mapping
        self._key_expected = True
        self._keys: set[Any] = set()

    def check_key(self, event: yaml.NodeEvent) -> None:
        if not self._mapping:
            return
        if self._key_expected and isinstance(event, yaml.ScalarEvent) and event.value != "<<":
            if event.value in self._keys:
                raise _error_at(event.start_mark, f"{event.value} is given twice")
            self._keys.add(event.value)
        self._key_expected = not self._key_expected
