"""Unfolds keys with slashes to the tree of a dynamic file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.decoding.report import Report
from discovery.decoding.section import Tree

_MAX_LEVELS = 20
_MAX_ITEMS = 1_000
_USER_NAMED = re.compile(
    r"(?:backends|frontends|tls"
    r"|backends/[^/]+/servers|frontends/[^/]+/(?:routes|errors|ratelimit/rateset)"
    r"|frontends/[^/]+/headers/(?:customrequestheaders|customresponseheaders|sslproxyheaders)"
    r"|(?:http|tcp|udp)/[^/]+|tls/(?:options|stores))\Z",
    re.IGNORECASE,
)
"""Paths whose children the user names. Below all other paths, names that are numbers make a list."""

_Node = dict[str, object]
_Spellings = dict[tuple[int, str], str]
"""(id of a node, name in lower case) → the first spelling of the name in that node."""


def unfold(keys: Mapping[str, bytes], prefix: str, report: Report) -> Tree:
    """Unfold keys: `PREFIX/backends/b/servers/s/url` becomes `backends` → `b` → `servers` → `s` → `url`.

    Names are case-insensitive, except for those that users choose. Numbered children (`entrypoints/0`) make a
    list. If a key has both a value and keys below it, the value is ignored. A key that ends in a slash is a
    folder, and ignored as well.
    """
    root: _Node = {}
    spellings: _Spellings = {}
    prefix_with_slash = f"{prefix}/" if prefix else ""
    for key in sorted(keys):
        if not key.startswith(prefix_with_slash) or key.endswith("/"):
            continue
        segments = key[len(prefix_with_slash) :].split("/")
        if "\ufffd" in key:
            report.error(f"key {key!r} is not UTF-8 and is ignored")
        elif "" in segments or len(segments) > _MAX_LEVELS:
            report.error(f"key {key} has an empty segment or too many segments and is ignored")
        elif (text := _decode_value(key, keys[key], report)) is not None:
            _put(root, segments, text, spellings)
    tree = _with_lists(root, "")
    return tree if isinstance(tree, dict) else {}


def _decode_value(key: str, value: bytes, report: Report) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        report.error(
            f"the value of key {key} is not UTF-8 text: {error.reason} at byte {error.start}",
            "the key is ignored",
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
    """Return the spelling under which the segment of this level is stored in the node."""
    name = segments[level]
    known = spellings.setdefault((id(node), name.lower()), name)
    if known == name or name in node or _USER_NAMED.match("/".join(segments[:level])):
        return name
    return known


def _with_lists(node: object, path: str) -> object:
    if not isinstance(node, dict):
        return node
    inner = {name: _with_lists(value, f"{path}/{name}" if path else name) for name, value in node.items()}
    numbered = inner and all(name.isdecimal() and name.isascii() for name in inner)
    if numbered and len(inner) <= _MAX_ITEMS and not _USER_NAMED.match(path):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
