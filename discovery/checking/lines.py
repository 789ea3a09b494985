"""In which line of a file each of its keys stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # this PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_END = re.compile(r"[\w-]")

Key = tuple[str, ...]
Lines = Mapping[Key, int]
"""Lines from 1, by the keys that lead there; in YAML, an item of a list is called `[0]` and so on."""


def lines_of(path: Path) -> Lines:
    """Of a file that was read already; none where it cannot be read."""
    try:
        text = path.read_text("utf-8-sig")
        found = (
            _of_toml(text) if path.suffix.lower() == ".toml" else _of_yaml(yaml.compose(text, _Loader), ())
        )
        return dict(reversed(list(found)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}


def line_named(lines: Lines, words: str) -> int:
    """Of the longest key that these words begin with, as `http.routers.shop.rule="…"` does; 0 for none."""
    words = words.lower()
    by_name = {_joined(key): line for key, line in lines.items()}
    named = [name for name in by_name if words.startswith(name) and not _END.match(words[len(name) :])]
    return by_name[max(named, key=len)] if named else 0


def _joined(key: Key) -> str:
    return ".".join(key).replace(".[", "[").lower()


def _of_yaml(node: Any, above: Key) -> Iterator[tuple[Key, int]]:
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
            yield from ((table[:depth], number) for depth in range(1, len(table) + 1))
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
