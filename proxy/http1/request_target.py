"""Request targets: which ones pass unchanged, and how the others are rewritten before routing.

As in Traefik 3, the rewritten target is what rules, middlewares, logs and servers see. Removing dot segments
(RFC 3986 §5.2.4) keeps a server from reading another path than the rules: a server that compares prefixes
reads `/admin/../public` as a path below `/admin`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

_DOT = re.compile(rb"%2[eE]")
# Only a path with one of these has dot segments or empty segments.
_UNRESOLVED = re.compile(rb"//|/\.|/%2[eE]")

_METHODS = rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) "
_VERSION = rb" HTTP/1\.1\r\n"
_BEYOND_ASCII = rb"\x80-\xff"


@dataclass(frozen=True, slots=True)
class TargetRules:
    """How an entry point rewrites request targets.

    `resolve_path`: remove dot segments and empty segments from paths. `encode_semicolons`: write `;` in a
    query as `%3B`. `unchanged` matches targets in origin-form that stay as they are. `request_line` matches
    common request lines with such targets in ASCII; its groups are method and target.
    """

    resolve_path: bool = True
    encode_semicolons: bool = False
    unchanged: re.Pattern[bytes] = field(init=False)
    request_line: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        options = (self.resolve_path, self.encode_semicolons)
        object.__setattr__(self, "unchanged", _compile(b"", _BEYOND_ASCII, b"", *options))
        object.__setattr__(self, "request_line", _compile(_METHODS, b"", _VERSION, *options))

    def rewrite(self, target: bytes) -> bytes:
        """Return a target in origin-form as these rules want it."""
        path, mark, query = target.partition(b"?")
        if self.resolve_path:
            path = remove_dot_segments(path)
        if self.encode_semicolons:
            query = query.replace(b";", b"%3B")
        return path + mark + query


def remove_dot_segments(path: bytes) -> bytes:
    """Return the path without dot segments (RFC 3986 §5.2.4) and without empty segments."""
    if _UNRESOLVED.search(path) is None:
        return path
    segments: list[bytes] = []
    last = b""
    for part in path.split(b"/")[1:]:
        last = _DOT.sub(b".", part)
        if last == b"..":
            if segments:
                segments.pop()
        elif last not in {b"", b"."}:
            segments.append(part)
    ends_open = last in {b"", b".", b".."} and bool(segments)
    return b"/" + b"/".join(segments) + (b"/" if ends_open else b"")


@cache
def _compile(
    before: bytes, more: bytes, after: bytes, resolve_path: bool, encode_semicolons: bool
) -> re.Pattern[bytes]:
    """Return a pattern of targets that stay unchanged; `more` are bytes that targets may have besides ASCII.

    The usual path comes first, because each request is matched. Quantifiers of single characters are
    possessive, those of groups are not: CPython before 3.11.5 matches such groups wrongly (gh-106052).
    """
    query = rb"(?:\?[!-\"$-%b~%b]*+)?" % (rb":<-" if encode_semicolons else b"", more)
    if resolve_path:
        first, rest = rb"[!\"$&-\-0->@-~%b]" % more, rb"[!\"$&-.0->@-~%b]*+" % more
        plain = rb"/(?:%b%b(?:/%b%b)*/?)?" % (first, rest, first, rest)
        # Also takes escapes, and names that begin with a dot.
        other = rb"(?:/(?!/|\.\.?+(?:[/? ]|\Z))%b(?:%%(?!2[eE])%b)*)+" % (rest, rest)
        target = rb"%b%b|%b%b" % (plain, query, other, query)
    else:
        target = rb"/[!\"$->@-~%b]*+%b" % (more, query)
    return re.compile(rb"%b(%b)%b" % (before, target, after))


RESOLVED_TARGETS = TargetRules()
"""The rules of an entry point without options: paths are resolved."""
