"""The middlewares replacePath and replacePathRegex, as in Traefik 3.

The header X-Replaced-Path contains the old path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.http1.header_lines import without
from proxy.middlewares.rewriting.paths import escape_path, require_resolved, split_target, unescape_unreserved
from proxy.middlewares.rewriting.replacement import compile_replacement
from proxy.middlewares.step import Client, Step, kind

if TYPE_CHECKING:
    from proxy.http1.request import Request


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
    replace = compile_replacement(options["regex"], options["replacement"].strip())

    def step(request: Request, client: Client) -> None:
        path, query = split_target(request.target)
        before = unescape_unreserved(path)
        after = replace(before)
        if after is not None:
            _replace(request, before, require_resolved(escape_path(after)), query)

    return step


def _replace(request: Request, before: bytes, after: bytes, query: bytes) -> None:
    request.headers = without(request.headers, b"x-replaced-path") + b"\r\nX-Replaced-Path: " + before
    request.target = after + query
