"""Keys with slashes, unfolded to the tree that a dynamic file would hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.decoding.report import Report
from discovery.decoding.section import Tree

_MAX_LEVELS = 20
_MAX_ITEMS = 1_000
_NAMED = re.compile(
    r"(?:backends|frontends|tls"
    r"|backends/[^/]+/servers|frontends/[^/]+/(?:routes|errors|ratelimit/rateset)"
    r"|frontends/[^/]+/headers/(?:customrequestheaders|customresponseheaders|sslproxyheaders)"
    r"|(?:http|tcp|udp)/[^/]+)\Z",
    re.IGNORECASE,
)
"""Levels whose children have names of the user's choice; elsewhere names that are numbers make a list."""

_Node = dict[str, object]
_Spellings = dict[tuple[int, str], str]
"""By node, told by its identity, and name in lower case: as it was first written there."""


def unfold(keys: Mapping[str, bytes], prefix: str, report: Report) -> Tree:
    """`PREFIX/backends/b/servers/s/url` becomes `backends` → `b` → `servers` → `s` → `url`.

    Names that differ in case only are one, save for those of the user's choice. Numbered children,
    `entrypoints/0`, make a list. A key with both a value and keys below it keeps those
    below it; one that ends in a slash is a folder and says nothing.
    """
    root: _Node = {}
    spellings: _Spellings = {}
    lead = f"{prefix}/" if prefix else ""
    for key in sorted(keys):
        if not key.startswith(lead) or key.endswith("/"):
            continue
        segments = key[len(lead) :].split("/")
        if "\ufffd" in key:
            report.error(f"key {key!r} is not UTF-8, so it is passed over")
        elif "" in segments or len(segments) > _MAX_LEVELS:
            report.error(f"key {key} has an empty or too long a name, so it is passed over")
        elif (text := _text(key, keys[key], report)) is not None:
            _put(root, segments, text, spellings)
    tree = _with_lists(root, "")
    return tree if isinstance(tree, dict) else {}


def _text(key: str, value: bytes, report: Report) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        report.error(
            f"the value of key {key} is not UTF-8 text: {error.reason} at byte {error.start}",
            "it is passed over",
        )
        return None


def _put(node: _Node, segments: list[str], value: str, spellings: _Spellings) -> None:
    for level in range(len(segments) - 1):
        name = _spelling(node, segments, level, spellings)
        inner = node.get(name)
        if not isinstance(inner, dict):
            inner = node[name] = {}
        node = inner
    last = _spelling(node, segments, len(segments) - 1, spellings)
    if not isinstance(node.get(last), dict):
        node[last] = value


def _spelling(node: _Node, segments: list[str], level: int, spellings: _Spellings) -> str:
    """The spelling under which the segment of this level is in the node, or will be."""
    name = segments[level]
    known = spellings.setdefault((id(node), name.lower()), name)
    if known == name or name in node or _NAMED.match("/".join(segments[:level])):
        return name
    return known


def _with_lists(node: object, path: str) -> object:
    if not isinstance(node, dict):
        return node
    inner = {name: _with_lists(value, f"{path}/{name}" if path else name) for name, value in node.items()}
    numbered = inner and all(name.isdecimal() and name.isascii() for name in inner)
    if numbered and len(inner) <= _MAX_ITEMS and not _NAMED.match(path):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
