"""Functions on request paths as bytes; they keep the sent bytes wherever possible.

As in Traefik, prefixes are compared in decoded form, so that another spelling cannot evade them. For the same
reason, dot segments and empty segments are removed before a prefix is stripped. If stripping creates new
ones, the request is refused.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from proxy.http1.errors import RequestError
from proxy.http1.request_target import remove_dot_segments

_NEEDLESS = re.compile(rb"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
# RFC 3986 §3.3, and % for existing escapes.
_NOT_IN_PATHS = re.compile(rb"[^A-Za-z0-9._~!$&'()*+,;=:@/%-]")


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """Return the path of a target without dot segments, and its query with the question mark."""
    path, mark, query = target.partition(b"?")
    return remove_dot_segments(path), mark + query


def raw_length(path: bytes, prefix: bytes) -> int:
    """Return the number of bytes of `path` that encode `prefix`; -1 if the path does not begin with it."""
    position = 0
    for byte in prefix:
        piece = path[position : position + 3]
        escaped = piece[:1] == b"%" and len(piece) == 3
        decoded = unquote_to_bytes(piece) if escaped else piece[:1]
        if len(decoded) != 1:
            # A percent sign without an escape.
            decoded, escaped = piece[:1], False
        if decoded != bytes((byte,)):
            return -1
        position += 3 if escaped else 1
    return position


def decode_path(path: bytes) -> bytes:
    """Decode all escapes, those of slashes too."""
    return unquote_to_bytes(path)


def unescape_unreserved(path: bytes) -> bytes:
    """Decode the escapes of unreserved characters (RFC 3986 §2.3), which do not change the meaning."""
    return _NEEDLESS.sub(lambda found: bytes((int(found[1], 16),)), path) if b"%" in path else path


def escape_path(path: bytes) -> bytes:
    """Escape the characters that a path must not contain, and begin it with a slash."""
    escaped = _NOT_IN_PATHS.sub(lambda found: b"%%%02X" % found[0][0], path)
    return escaped if escaped.startswith(b"/") else b"/" + escaped


def require_resolved(path: bytes) -> bytes:
    """Return the path unchanged. Raises RequestError if it has dot segments or empty segments."""
    if remove_dot_segments(path) != path:
        raise RequestError(400, "the path has . or .. segments behind its prefix")
    return path
