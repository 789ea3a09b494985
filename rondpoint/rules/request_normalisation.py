"""What rules are matched on, taken from a request; the server receives the bytes as sent.

Paths are percent-decoded, but for reserved characters (RFC 3986 §2.2), whose meaning that would change; their
dot segments are resolved (§5.2.4), and empty ones left out. So a rule on `/admin` also holds for `/%61dmin`,
`//admin` and `/x/../admin`.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# These stay escaped, with digits in upper case. Traefik decodes all others for its rules, too.
_KEPT = frozenset(b":/?#[]@!$&'()*+,;=%")


def normalise_host(host: bytes) -> str:
    """Lower case, without port and trailing dot; IPv6 literals in brackets and their shortest form."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        inner = text[1:].partition("]")[0]
        return bracketed(inner) or f"[{inner}]"
    return text.partition(":")[0].removesuffix(".")


def bracketed(address: str) -> str | None:
    """An IPv6 address as RFC 5952 writes it, in brackets; None for what is none."""
    try:
        return f"[{IPv6Address(address)}]"
    except ValueError:
        return None


def normalise_path(target: bytes) -> str:
    """The path of an origin-form target, without query, decoded and resolved as above.

    Bytes that are not UTF-8 become U+FFFD.
    """
    path = target.partition(b"?")[0]
    if b"%" in path:
        path = _ESCAPE.sub(_decode, path)
    text = path.decode("utf-8", "replace")
    if "/." in text or "//" in text:
        text = _resolve(text)
    return text


def query_of(target: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values of a query, separated by `&` or, as in Traefik, `;`; what is none is left out."""
    _, _, query = target.partition(b"?")
    pairs = (piece.partition(b"=")[::2] for piece in query.replace(b";", b"&").split(b"&") if piece)
    return tuple(
        (_unquoted(name), _unquoted(value))
        for name, value in pairs
        if not _BROKEN.search(name) and not _BROKEN.search(value)
    )


def headers_of(lines: bytes) -> dict[str, tuple[str, ...]]:
    """Values by name in lower case, of header lines that begin with CRLF each."""
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
    return match[0].upper() if value in _KEPT else bytes((value,))


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
