"""addPrefix, stripPrefix and stripPrefixRegex, as in Traefik 3; X-Forwarded-Prefix tells what was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import re2

from proxy.middlewares.paths import checked, decoded, raw_length, spelled, split
from proxy.middlewares.step import Client, Step, kind
from rondpoint.rules.patterns import options as pattern_options

if TYPE_CHECKING:
    from proxy.http1.request import Request


@kind("addPrefix")
def add_prefix(options: Mapping[str, Any]) -> Step:
    """`prefix` goes ahead of the path."""
    prefix = options["prefix"].encode()

    def step(request: Request, client: Client) -> None:
        path, query = split(request.target)
        request.target = spelled(prefix + path) + query

    return step


@kind("stripPrefix")
def strip_prefix(options: Mapping[str, Any]) -> Step:
    """The first of `prefixes` with which the path begins goes; with `forceSlash`, a slash behind it too."""
    prefixes = [prefix.encode() for prefix in options["prefixes"]]
    force_slash = options["forceSlash"]

    def step(request: Request, client: Client) -> None:
        path, query = split(request.target)
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
    """What the first expression of `regex` finds at the beginning of the decoded path goes."""
    try:
        patterns = [re2.compile(text.encode(), pattern_options()) for text in options["regex"]]
    except re2.error as error:
        raise ValueError(f"{options['regex']} holds no regular expression: {error}") from None

    def step(request: Request, client: Client) -> None:
        path, query = split(request.target)
        plain = decoded(path)
        for pattern in patterns:
            found = pattern.search(plain)
            if found is not None and found.start() == 0 and found.end():
                length = raw_length(path, plain[: found.end()])
                _strip(request, path[:length], path[length:], query)
                return

    return step


def _strip(request: Request, prefix: bytes, rest: bytes, query: bytes) -> None:
    # As sent, not decoded: an escaped line end must stay escaped in a header.
    request.headers += b"\r\nX-Forwarded-Prefix: " + prefix
    rest = rest if rest.startswith(b"/") else b"/" + rest
    request.target = checked(rest) + query
