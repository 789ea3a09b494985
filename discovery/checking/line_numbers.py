"""In which line of a file each of its keys stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from discovery.decoding.plain_trees import MAX_DEPTH, TooLargeError
from discovery.dynamic.syntax import FileSyntaxError, check_yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # this PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_END = re.compile(r"[\w-]")

MOST = 300_000
"""Keys of one file: aliases of YAML can make endless ones of a few lines."""

Key = tuple[str, ...]

LONGEST = 1000
"""Characters of a message in which a key is looked for."""


class Lines:
    """Lines from 1, by the keys that lead there; in YAML, an item of a list is called `[0]` and so on."""

    def __init__(self, found: Iterable[tuple[Key, int]] = ()) -> None:
        self._by_key: dict[Key, int] = {}
        self._by_name: dict[str, int] = {}
        for key, line in found:
            self._by_key.setdefault(key, line)
            self._by_name.setdefault(_joined(key), line)
        self._longest = max(map(len, self._by_name), default=0)

    def of(self, key: Key) -> int:
        """Of this key; 0 for unknown."""
        return self._by_key.get(key, 0)

    def named(self, words: str) -> int:
        """Of the longest key that these words begin with, such as `http.routers.a.rule="…"`; 0 for none."""
        words = words.lower()
        ends = range(min(len(words), self._longest, LONGEST), 0, -1)
        known = (self._by_name.get(words[:end], 0) for end in ends if not _END.match(words, end))
        return next(filter(None, known), 0)

    def called(self, name: str) -> int:
        """Of the key of this name, such as `http.routers.shop`; 0 for none."""
        return self._by_name.get(name.lower(), 0)


def lines_of(path: Path) -> Lines:
    """Of any file; none where it cannot be read."""
    try:
        text = path.read_text("utf-8-sig")
        found = _of_toml(text) if path.suffix.lower() == ".toml" else _of_yaml(_composed(text), ())
        return Lines(islice(found, MOST))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, FileSyntaxError, TooLargeError):
        return Lines()


def _joined(key: Key) -> str:
    return ".".join(key).replace(".[", "[").lower()


def _composed(text: str) -> Any:
    check_yaml(text)
    return yaml.compose(text, _Loader)


def _of_yaml(node: Any, above: Key) -> Iterator[tuple[Key, int]]:
    if len(above) == MAX_DEPTH:
        # An alias may even stand within what it stands for.
        return
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            key = (*above, str(name.value))
            yield key, name.start_mark.line + 1
            yield from _of_yaml(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            key = (*above, f"[{number}]")
            yield key, value.start_mark.line + 1
            yield from _of_yaml(value, key)


def _of_toml(text: str) -> Iterator[tuple[Key, int]]:
    """A table or a key a line, which is how TOML is written but for tables in one line."""
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _toml_key(header[1])
            yield from ((table[:depth], number) for depth in range(1, min(len(table), MAX_DEPTH) + 1))
        elif named := _KEY.match(line):
            yield (*table, *_toml_key(named[1])), number


def _toml_key(written: str) -> Key:
    try:
        tree: Any = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(tree, dict):
        [(name, tree)] = tree.items()
        names.append(name)
    return tuple(names)
