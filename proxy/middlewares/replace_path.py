"""replacePath and replacePathRegex, as in Traefik 3; the path that was is in X-Replaced-Path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import re2

from proxy.http1.request import without
from proxy.middlewares.paths import checked, spelled, split, unescaped
from proxy.middlewares.step import Client, Step, kind
from rondpoint.rules.patterns import options as pattern_options

if TYPE_CHECKING:
    from proxy.http1.request import Request

# Go's `Regexp.Expand`: $1, $name, ${name}, and $$ for a dollar sign.
_VARIABLE = re.compile(rb"\$(?:(\$)|\{(\w+)\}|(\w+))")


@kind("replacePath")
def replace_path(options: Mapping[str, Any]) -> Step:
    """`path` takes the path's place; the query stays."""
    path = spelled(options["path"].encode())

    def step(request: Request, client: Client) -> None:
        before, query = split(request.target)
        _replace(request, before, path, query)

    return step


@kind("replacePathRegex")
def replace_path_regex(options: Mapping[str, Any]) -> Step:
    """Wherever `regex` finds something in the path, `replacement` takes its place.

    The path is as sent, but for needless escapes, by which it would be walked around.
    """
    replacement = options["replacement"].strip().encode()
    try:
        pattern = re2.compile(options["regex"].encode(), pattern_options())
    except re2.error as error:
        raise ValueError(f"{options['regex']!r} is no regular expression: {error}") from None

    def step(request: Request, client: Client) -> None:
        path, query = split(request.target)
        before = unescaped(path)
        if pattern.search(before) is None:
            return
        after = pattern.sub(lambda match: _expanded(replacement, match), before)
        _replace(request, before, checked(spelled(after)), query)

    return step


def _replace(request: Request, before: bytes, after: bytes, query: bytes) -> None:
    request.headers = without(request.headers, b"x-replaced-path") + b"\r\nX-Replaced-Path: " + before
    request.target = after + query


def _expanded(replacement: bytes, match: Any) -> bytes:
    """`replacement` with what the groups of `match` caught; a group that is not there caught nothing."""

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
