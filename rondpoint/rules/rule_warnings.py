"""What can be read in a rule, and most likely does not mean what its author wanted."""

from __future__ import annotations

import re

_SHOWN = 60
"""Characters."""

Caution = tuple[str, str]
"""What is odd, and what would be right."""

# Behind \p and \x braces belong to RE2 itself.
_TEMPLATE = re.compile(
    r"\b(?:HostRegexp|PathRegexp|PathPrefix|Path)\(\s*[`\"][^`\"]*?(?<!\\[pPx])"
    r"(\{[A-Za-z_][\w-]*(?::(?:[^`\"{}]|\{[^`\"{}]*\})*)?\})",
    re.IGNORECASE,
)
_HOST_PATTERNS = re.compile(r"(?:\A|;)\s*HostRegexp\s*:([^;]*)", re.IGNORECASE)
_IN_BRACES = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
_MARKS = re.compile(r"[\^$*+?()|\[\]\\]")


def in_v3(text: str) -> Caution | None:
    """Templates of Traefik 1 and 2, which are literal text in Traefik 3's language."""
    found = _TEMPLATE.search(text)
    if found is None:
        return None
    return (
        f"{found[1][:_SHOWN]} is a template of Traefik 2, and stands for its own characters here",
        "set ruleSyntax=v2, or write a regular expression in HostRegexp or PathRegexp",
    )


def in_v1(text: str) -> Caution | None:
    """Regular expressions outside of braces, which are literal text in Traefik 1's language."""
    for patterns in _HOST_PATTERNS.findall(text):
        for value in _IN_BRACES.sub("", patterns).split(","):
            if _MARKS.search(value):
                written = value.strip()[:_SHOWN]
                return (
                    f"HostRegexp: {written!r} is outside of braces, and stands for its own characters",
                    "expressions stand in braces behind a name: {any:.+}",
                )
    return None
