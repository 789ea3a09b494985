"""Finds the line numbers of keys in YAML and TOML files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from discovery.decoding.plain_trees import MAX_DEPTH, TooLargeError
from discovery.dynamic.file_templates import evaluate_templates
from discovery.dynamic.syntax_error import FileSyntaxError
from discovery.dynamic.yaml_syntax import check_yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # this PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_KEY_CHARACTER = re.compile(r"[\w-]")

MAX_KEYS = 300_000
"""Limits the keys of one file: aliases in YAML can make endlessly many from a few lines."""

Key = tuple[str, ...]

MAX_MESSAGE_LENGTH = 1000
"""Limits the characters of a message that are searched for a key."""


class KeyLines:
    """The lines, from 1, of the keys of one file; items of YAML lists are named `[0]`, `[1]` and so on."""

    def __init__(self, lines: Iterable[tuple[Key, int]] = ()) -> None:
        self._by_key: dict[Key, int] = {}
        self._by_name: dict[str, int] = {}
        for key, line in lines:
            self._by_key.setdefault(key, line)
            self._by_name.setdefault(_dotted_name(key), line)
        self._longest_name = max(map(len, self._by_name), default=0)

    def line_of(self, key: Key) -> int:
        """Return the line of a key; 0 for unknown."""
        return self._by_key.get(key, 0)

    def line_of_name(self, name: str) -> int:
        """Return the line of a dotted name such as `http.routers.shop`; 0 for unknown."""
        return self._by_name.get(name.lower(), 0)

    def line_of_message(self, message: str) -> int:
        """Return the line of the longest key that begins a message such as `http.routers.a.rule="…"`.

        Return 0 if the message begins with no known key.
        """
        message = message.lower()
        ends = range(min(len(message), self._longest_name, MAX_MESSAGE_LENGTH), 0, -1)
        lines = (
            self._by_name.get(message[:end], 0) for end in ends if not _KEY_CHARACTER.match(message, end)
        )
        return next(filter(None, lines), 0)


def read_key_lines(path: Path, environ: Mapping[str, str] | None = None) -> KeyLines:
    """Return the lines of the keys of a file; none if it cannot be read.

    With `environ`, its templates are evaluated first, with these variables. They may add or remove lines.
    """
    try:
        text = path.read_text("utf-8-sig")
        if environ is not None:
            text = evaluate_templates(text, environ)
        lines = _toml_lines(text) if path.suffix.lower() == ".toml" else _yaml_lines(_compose_nodes(text), ())
        return KeyLines(islice(lines, MAX_KEYS))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, FileSyntaxError, TooLargeError):
        return KeyLines()


def _dotted_name(key: Key) -> str:
    return ".".join(key).replace(".[", "[").lower()


def _compose_nodes(text: str) -> Any:
    check_yaml(text)
    return yaml.compose(text, _Loader)


def _yaml_lines(node: Any, parents: Key) -> Iterator[tuple[Key, int]]:
    if len(parents) == MAX_DEPTH:
        # An alias may occur inside its own anchor, so the tree may be endless.
        return
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            key = (*parents, str(name.value))
            yield key, name.start_mark.line + 1
            yield from _yaml_lines(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            key = (*parents, f"[{number}]")
            yield key, value.start_mark.line + 1
            yield from _yaml_lines(value, key)


def _toml_lines(text: str) -> Iterator[tuple[Key, int]]:
    """Yield the keys of text with one table or key a line: all of TOML except inline tables."""
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parse_toml_key(header[1])
            yield from ((table[:depth], number) for depth in range(1, min(len(table), MAX_DEPTH) + 1))
        elif assignment := _KEY.match(line):
            yield (*table, *_parse_toml_key(assignment[1])), number


def _parse_toml_key(written: str) -> Key:
    try:
        tree: Any = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(tree, dict):
        [(name, tree)] = tree.items()
        names.append(name)
    return tuple(names)
