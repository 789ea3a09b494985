"""Paths of requests as bytes, for those who change them: what was sent stays as it was sent wherever it can.

A prefix is compared in its decoded form, as in Traefik: it must not be walked around by spelling. For the
same reason dot segments and empty ones are resolved before anything is taken away, and refused when they come
about by that.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from proxy.http1.errors import RequestError

_DOT = re.compile(rb"%2[eE]")
_NEEDLESS = re.compile(rb"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
# RFC 3986 §3.3, and % for what is escaped already.
_NOT_IN_PATHS = re.compile(rb"[^A-Za-z0-9._~!$&'()*+,;=:@/%-]")


def split(target: bytes) -> tuple[bytes, bytes]:
    """The path of a target, resolved, and its query with the question mark."""
    path, mark, query = target.partition(b"?")
    return resolved(path), mark + query


def resolved(path: bytes) -> bytes:
    """Without dot segments (RFC 3986 §5.2.4) and empty ones."""
    if b"//" not in path and b"/." not in path and b"/%2" not in path and b".%2" not in path:
        return path
    path = _DOT.sub(b".", path)
    segments: list[bytes] = []
    parts = path.split(b"/")[1:]
    for part in parts:
        if part == b"..":
            if segments:
                segments.pop()
        elif part not in {b"", b"."}:
            segments.append(part)
    ends_open = parts[-1] in {b"", b".", b".."} and bool(segments)
    return b"/" + b"/".join(segments) + (b"/" if ends_open else b"")


def raw_length(path: bytes, prefix: bytes) -> int:
    """How many bytes of `path` stand for the decoded `prefix`; -1 when it does not begin so."""
    position = 0
    for byte in prefix:
        piece = path[position : position + 3]
        escaped = piece[:1] == b"%" and len(piece) == 3
        decoded = unquote_to_bytes(piece) if escaped else piece[:1]
        if len(decoded) != 1:
            # A percent sign that escapes nothing.
            decoded, escaped = piece[:1], False
        if decoded != bytes((byte,)):
            return -1
        position += 3 if escaped else 1
    return position


def decoded(path: bytes) -> bytes:
    """Every escape decoded, that of a slash too."""
    return unquote_to_bytes(path)


def unescaped(path: bytes) -> bytes:
    """Without escapes of characters that need none (RFC 3986 §2.3), which mean the same."""
    return _NEEDLESS.sub(lambda found: bytes((int(found[1], 16),)), path) if b"%" in path else path


def spelled(path: bytes) -> bytes:
    """A path as a target may hold it: what no path may hold is escaped, and it begins with a slash."""
    escaped = _NOT_IN_PATHS.sub(lambda found: b"%%%02X" % found[0][0], path)
    return escaped if escaped.startswith(b"/") else b"/" + escaped


def checked(path: bytes) -> bytes:
    """The path, if nothing in it is to be resolved. Raises RequestError."""
    if resolved(path) != path:
        raise RequestError(400, "the path has . or .. segments behind its prefix")
    return path
