"""Unfolds labels with dotted names into a tree as in a dynamic file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.decoding.report import Report
from discovery.decoding.section import Tree

_MAX_SEGMENTS = 20
_MAX_INDEX = 1_000
_OBJECT_LEVEL = 2
_INDEXED = re.compile(r"(.+)\[([0-9]{1,4})\]\Z")

_Node = dict[str, object]
_Spellings = dict[tuple[int, str], str]
"""The id of a node and a name in lower case → the first spelling of the name in that node."""


def unfold(labels: Mapping[str, str], report: Report) -> Tree:
    """Unfold `traefik.http.routers.a.rule` into `http` → `routers` → `a` → `rule`.

    Names are case-insensitive, except those of objects (`a`). `name[0]` and `name[1]` form a list. If a label
    has both a value and options below it (`….tls=true`, `….tls.options=x`), the options win.
    """
    root: _Node = {}
    spellings: _Spellings = {}
    for label in sorted(labels):
        segments = [piece for segment in label.split(".")[1:] for piece in _pieces(segment)]
        if "" in segments or len(segments) > _MAX_SEGMENTS:
            report.error(f"{report.at(label)} has an empty part in its name, or too many parts")
        else:
            _put(root, segments, labels[label], spellings)
    tree = _with_lists(root)
    return tree if isinstance(tree, dict) else {}


def _pieces(segment: str) -> tuple[str, ...]:
    indexed = _INDEXED.match(segment)
    if indexed is None or int(indexed.group(2)) > _MAX_INDEX:
        return (segment,)
    return indexed.group(1), f"[{int(indexed.group(2))}]"


def _put(node: _Node, segments: list[str], value: str, spellings: _Spellings) -> None:
    for level, segment in enumerate(segments[:-1]):
        known = _spelling(node, segment, spellings)
        name = segment if level == _OBJECT_LEVEL else known
        inner = node.get(name)
        if not isinstance(inner, dict):
            inner = {}
            node[name] = inner
        node = inner
    last = _spelling(node, segments[-1], spellings)
    if not isinstance(node.get(last), dict):
        node[last] = value


def _spelling(node: _Node, name: str, spellings: _Spellings) -> str:
    """Return the spelling of `name` in this node, which is the first one that was written there."""
    known = spellings.setdefault((id(node), name.lower()), name)
    return name if name in node else known


def _with_lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    inner = {name: _with_lists(value) for name, value in node.items()}
    if inner and all(name.startswith("[") for name in inner):
        return [inner[name] for name in sorted(inner, key=lambda name: int(name[1:-1]))]
    return inner
