"""Labels with dotted names, unfolded to the tree that a dynamic file would hold."""

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


def unfold(labels: Mapping[str, str], report: Report) -> Tree:
    """`traefik.http.routers.a.rule` becomes `http` → `routers` → `a` → `rule`.

    Names that differ in case only are one, save for those of objects (`a`); `name[0]`, `name[1]`
    make a list. A label that says both a value and options below it (`….tls=true`,
    `….tls.options=x`) keeps its options.
    """
    root: _Node = {}
    for label in sorted(labels):
        segments = [piece for segment in label.split(".")[1:] for piece in _pieces(segment)]
        if "" in segments or len(segments) > _MAX_SEGMENTS:
            report.error(f"{report.at(label)} has an empty or too long a name")
        else:
            _put(root, segments, labels[label])
    tree = _with_lists(root)
    return tree if isinstance(tree, dict) else {}


def _pieces(segment: str) -> tuple[str, ...]:
    indexed = _INDEXED.match(segment)
    if indexed is None or int(indexed.group(2)) > _MAX_INDEX:
        return (segment,)
    return indexed.group(1), f"[{int(indexed.group(2))}]"


def _put(node: _Node, segments: list[str], value: str) -> None:
    for level, segment in enumerate(segments[:-1]):
        name = segment if level == _OBJECT_LEVEL else _known(node, segment)
        inner = node.get(name)
        if not isinstance(inner, dict):
            inner = {}
            node[name] = inner
        node = inner
    last = _known(node, segments[-1])
    if not isinstance(node.get(last), dict):
        node[last] = value


def _known(node: _Node, name: str) -> str:
    """The spelling under which a name is in the node already, or its own."""
    if name in node:
        return name
    return next((known for known in node if known.lower() == name.lower()), name)


def _with_lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    inner = {name: _with_lists(value) for name, value in node.items()}
    if inner and all(name.startswith("[") for name in inner):
        return [inner[name] for name in sorted(inner, key=lambda name: int(name[1:-1]))]
    return inner
