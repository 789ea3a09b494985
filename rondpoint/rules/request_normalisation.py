"""Normalises the host, path, query and headers of a request for rules.

Paths are percent-decoded except for reserved characters (RFC 3986 §2.2), whose meaning decoding would change.
Dot segments are resolved (§5.2.4) and empty segments left out. So a rule for `/admin` also matches
`/%61dmin`, `//admin` and `/x/../admin`.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# These characters stay escaped, with digits in upper case. Traefik decodes all others for its rules too.
_RESERVED = frozenset(b":/?#[]@!$&'()*+,;=%")


def normalise_host(host: bytes) -> str:
    """Return the host in lower case, without port and trailing dot; IPv6 in brackets and shortest form."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        inner = text[1:].partition("]")[0]
        return bracket_ipv6(inner) or f"[{inner}]"
    return text.partition(":")[0].removesuffix(".")


def bracket_ipv6(address: str) -> str | None:
    """Return an IPv6 address in the form of RFC 5952 and in brackets; None if it is not valid."""
    try:
        return f"[{IPv6Address(address)}]"
    except ValueError:
        return None


def normalise_path(target: bytes) -> str:
    """Return the path of an origin-form target without query, normalised as described above.

    Bytes that are not UTF-8 become U+FFFD.
    """
    # Does not call `decode_path`, because a call would cost every request whose rule has a path.
    path = target.partition(b"?")[0]
    if b"%" in path:
        path = _ESCAPE.sub(_decode, path)
    text = path.decode("utf-8", "replace")
    if "/." in text or "//" in text:
        text = _resolve(text)
    return text


def decode_path(target: bytes) -> str:
    """Return the path like `normalise_path`, but with its dot segments and empty segments."""
    path = target.partition(b"?")[0]
    if b"%" in path:
        path = _ESCAPE.sub(_decode, path)
    return path.decode("utf-8", "replace")


def parse_query(target: bytes) -> tuple[tuple[str, str], ...]:
    """Return the valid names and values of a query, separated by `&` or, as in Traefik, `;`."""
    _, _, query = target.partition(b"?")
    pairs = (piece.partition(b"=")[::2] for piece in query.replace(b";", b"&").split(b"&") if piece)
    return tuple(
        (_unquoted(name), _unquoted(value))
        for name, value in pairs
        if not _BROKEN.search(name) and not _BROKEN.search(value)
    )


def parse_header_lines(lines: bytes) -> dict[str, tuple[str, ...]]:
    """Return the values by lower-case name of header lines; each line begins with CRLF."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        key = name.decode("latin-1").lower()
        found[key] = (*found.get(key, ()), value.strip(b" \t").decode("utf-8", "replace"))
    return found


def _unquoted(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def _decode(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16)
    return match[0].upper() if value in _RESERVED else bytes((value,))


def _resolve(path: str) -> str:
    segments: list[str] = []
    parts = path.split("/")[1:]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "..":
            if segments:
                segments.pop()
        elif part not in {"", "."}:
            segments.append(part)
            continue
        if last:
            segments.append("")
    return "/" + "/".join(segments)
