"""The middlewares addPrefix, stripPrefix and stripPrefixRegex, as in Traefik 3.

The header X-Forwarded-Prefix contains a stripped prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import re2

from proxy.middlewares.rewriting.paths import (
    decode_path,
    escape_path,
    raw_length,
    require_resolved,
    split_target,
)
from proxy.middlewares.step import Client, Step, kind
from rondpoint.rules.patterns import options as pattern_options

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("addPrefix")
def add_prefix(options: Mapping[str, Any]) -> Step:
    """Prepend `prefix` to the path."""
    prefix = options["prefix"].encode()

    def step(request: Request, client: Client) -> None:
        path, query = split_target(request.target)
        request.target = escape_path(prefix + path) + query

    return step


@kind("stripPrefix")
def strip_prefix(options: Mapping[str, Any]) -> Step:
    """Strip the first of `prefixes` that matches; with `forceSlash`, begin the rest with one slash."""
    prefixes = [prefix.encode() for prefix in options["prefixes"]]
    force_slash = options["forceSlash"]

    def step(request: Request, client: Client) -> None:
        path, query = split_target(request.target)
        for prefix in prefixes:
            length = raw_length(path, prefix)
            if length >= 0:
                rest = path[length:]
                if force_slash:
                    rest = b"/" + rest.removeprefix(b"/")
                _strip(request, path[:length], rest, query)
                return

    return step


@kind("stripPrefixRegex")
def strip_prefix_regex(options: Mapping[str, Any]) -> Step:
    """Strip the match of the first expression of `regex` that matches at the start of the decoded path."""
    try:
        patterns = [re2.compile(text.encode(), pattern_options()) for text in options["regex"]]
    except re2.error as error:
        raise ValueError(f"{options['regex']} contains an invalid regular expression: {error}") from None

    def step(request: Request, client: Client) -> None:
        path, query = split_target(request.target)
        plain = decode_path(path)
        for pattern in patterns:
            found = pattern.search(plain)
            if found is not None and found.start() == 0 and found.end():
                length = raw_length(path, plain[: found.end()])
                _strip(request, path[:length], path[length:], query)
                return

    return step


def _strip(request: Request, prefix: bytes, rest: bytes, query: bytes) -> None:
    # The bytes as sent, not decoded: an escaped line end must stay escaped in a header.
    request.headers += b"\r\nX-Forwarded-Prefix: " + prefix
    rest = rest if rest.startswith(b"/") else b"/" + rest
    request.target = require_resolved(rest) + query
