"""Names of headers that belong to one connection or frame a message (RFC 9110 §7.6.1, RFC 9112 §6)."""

from __future__ import annotations

from collections.abc import Iterable

_NAMES = frozenset(
    (
        "connection",
        "content-length",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def is_framing_header(name: str) -> bool:
    """Return whether a header of this name frames messages.

    The form with underscores counts too, because CGI servers cannot tell underscores from hyphens.
    """
    return name.strip().lower().replace("_", "-") in _NAMES


def refuse_framing_headers(names: Iterable[str]) -> None:
    """Raise ValueError if one of these names frames messages: the proxy alone writes such headers."""
    for name in names:
        if is_framing_header(name):
            raise ValueError(f"expected no {name}: only the proxy may set headers that frame messages")
