"""The form of host and path that rules are matched on; the server receives the bytes as sent.

Paths are percent-decoded where that cannot change their meaning (RFC 3986 §6.2.2.2) and their dot segments
resolved (§5.2.4), so that a rule on `/admin` also holds for `/%61dmin` and `/x/../admin`.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
# What decoding would change: separators and controls; they stay escaped, with digits in upper case.
_KEPT = frozenset(range(0x21)) | {0x7F} | frozenset(b"/?#[]@!$&'()*+,;=%\\")


def normalise_host(host: bytes) -> str:
    """Lower case, without port and trailing dot; IPv6 literals keep their brackets."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].rstrip(".")


def normalise_path(target: bytes) -> str:
    """The path of an origin-form target, without query, decoded and resolved as above."""
    path = target.partition(b"?")[0].decode("latin-1")
    if "%" in path:
        path = _ESCAPE.sub(_decode, path)
    if "/." in path:
        path = _resolve(path)
    return path


def _decode(match: re.Match[str]) -> str:
    value = int(match[1], 16)
    return match[0].upper() if value in _KEPT or value > 0x7F else chr(value)


def _resolve(path: str) -> str:
    segments: list[str] = []
    parts = path.split("/")[1:]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == ".":
            if last:
                segments.append("")
        elif part == "..":
            if segments:
                segments.pop()
            if last:
                segments.append("")
        else:
            segments.append(part)
    return "/" + "/".join(segments)
