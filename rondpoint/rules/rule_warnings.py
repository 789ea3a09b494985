"""Warns about rules that are valid but most likely do not mean what their author wanted."""

from __future__ import annotations

import re

_MAX_SHOWN = 60
"""Characters."""

RuleWarning = tuple[str, str]
"""A message and a hint."""

# After \p and \x, braces belong to RE2's own syntax.
_VALUE_WITH_TEMPLATE = r"\(\s*[`\"][^`\"]*?(?<!\\[pPx])(\{[A-Za-z_][\w-]*(?::(?:[^`\"{}]|\{[^`\"{}]*\})*)?\})"
_TEMPLATE = re.compile(r"\b(?:HostRegexp|PathRegexp|PathPrefix|Path)" + _VALUE_WITH_TEMPLATE, re.IGNORECASE)
_HOST_TEMPLATE = re.compile(r"\bHostRegexp" + _VALUE_WITH_TEMPLATE, re.IGNORECASE)
_HOST_PATTERNS = re.compile(r"(?:\A|;)\s*HostRegexp\s*:([^;]*)", re.IGNORECASE)
_IN_BRACES = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
_REGEX_CHARACTERS = re.compile(r"[\^$*+?()|\[\]\\]")


def warn_about_v3_rule(text: str) -> RuleWarning | None:
    """Warn about templates of Traefik 1 and 2, which are literal text in Traefik 3's language."""
    found = _TEMPLATE.search(text)
    if found is None:
        return None
    return (
        f"{_shown(found)} is a template of Traefik 2, but Traefik 3 matches its characters literally",
        "set ruleSyntax=v2, or write a regular expression in HostRegexp or PathRegexp",
    )


def find_host_template(text: str) -> str:
    """Return the beginning of the first template in a `HostRegexp`, empty if there is none."""
    found = _HOST_TEMPLATE.search(text)
    return _shown(found) if found else ""


def _shown(template: re.Match[str]) -> str:
    return template[1][:_MAX_SHOWN]


def warn_about_v1_rule(text: str) -> RuleWarning | None:
    """Warn about regular expressions outside braces, which are literal text in Traefik 1's language."""
    for patterns in _HOST_PATTERNS.findall(text):
        for value in _IN_BRACES.sub("", patterns).split(","):
            if _REGEX_CHARACTERS.search(value):
                written = value.strip()[:_MAX_SHOWN]
                return (
                    f"HostRegexp: {written!r} is outside braces, so its characters match literally",
                    "write an expression in braces after a name: {any:.+}",
                )
    return None
