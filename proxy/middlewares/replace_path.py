"""The middlewares replacePath and replacePathRegex, as in Traefik 3.

The header X-Replaced-Path contains the old path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import re2

from proxy.http1.header_lines import without
from proxy.middlewares.paths import escape_path, require_resolved, split_target, unescape_unreserved
from proxy.middlewares.step import Client, Step, kind
from rondpoint.rules.patterns import options as pattern_options

if TYPE_CHECKING:
    from proxy.http1.request import Request

# Go's `Regexp.Expand`: $1, $name, ${name}, and $$ for a dollar sign.
_VARIABLE = re.compile(rb"\$(?:(\$)|\{(\w+)\}|(\w+))")


@kind("replacePath")
def replace_path(options: Mapping[str, Any]) -> Step:
    """Replace the path by `path`; keep the query."""
    path = escape_path(options["path"].encode())

    def step(request: Request, client: Client) -> None:
        before, query = split_target(request.target)
        _replace(request, before, path, query)

    return step


@kind("replacePathRegex")
def replace_path_regex(options: Mapping[str, Any]) -> Step:
    """Replace each match of `regex` in the path by `replacement`.

    The expression sees the path as sent, except that needless escapes are decoded: they could evade it.
    """
    replacement = options["replacement"].strip().encode()
    try:
        pattern = re2.compile(options["regex"].encode(), pattern_options())
    except re2.error as error:
        raise ValueError(f"{options['regex']!r} is no regular expression: {error}") from None

    def step(request: Request, client: Client) -> None:
        path, query = split_target(request.target)
        before = unescape_unreserved(path)
        if pattern.search(before) is None:
            return
        after = pattern.sub(lambda match: _expanded(replacement, match), before)
        _replace(request, before, require_resolved(escape_path(after)), query)

    return step


def _replace(request: Request, before: bytes, after: bytes, query: bytes) -> None:
    request.headers = without(request.headers, b"x-replaced-path") + b"\r\nX-Replaced-Path: " + before
    request.target = after + query


def _expanded(replacement: bytes, match: Any) -> bytes:
    """Insert the groups of `match` in `replacement`; a missing group is empty."""

    def value(variable: re.Match[bytes]) -> bytes:
        if variable[1]:
            return b"$"
        name = variable[2] or variable[3]
        try:
            caught: bytes | None = match.group(int(name) if name.isdigit() else name)
        except (IndexError, KeyError):
            return b""
        return caught or b""

    return _VARIABLE.sub(value, replacement)
