"""Keeps secrets of settings out of what is said about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.written_setting import Written

_SECRET = re.compile(r"password|token|secret|users|credential|auth|headers|\burl\b|:\S*@", re.IGNORECASE)
_PIECE = re.compile(r"[^\s:/@,'\"]+")
_SHORTEST = 3

HIDDEN = "…"


class Hidden:
    """Knows the values of these settings that may be secret, and words of `argv` that may belong to one."""

    def __init__(self, written: Sequence[Written], argv: Sequence[str]) -> None:
        self._secrets = sorted({*_values(written), *_strays(argv)}, key=len, reverse=True)
        self._pieces = {
            piece for secret in self._secrets for piece in _PIECE.findall(secret) if len(piece) >= _SHORTEST
        }

    def from_view(self, finding: Diagnostic) -> Diagnostic:
        """The finding without them; a hint that quotes a part of one is left out."""
        hint = self._without(finding.hint)
        return replace(
            finding,
            subject=self._without(finding.subject),
            message=self._without(finding.message),
            hint="" if any(f"'{piece}" in hint or f"{piece}'" in hint for piece in self._pieces) else hint,
        )

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(repr(secret), repr(HIDDEN))
            if text.endswith(f": {secret}"):
                text = text.removesuffix(secret) + HIDDEN
        return text


def _values(written: Sequence[Written]) -> Iterator[str]:
    for each in written:
        if isinstance(each.value, str) and _SECRET.search(f"{each.dotted} {each.value}"):
            yield each.value


def _strays(argv: Sequence[str]) -> Iterator[str]:
    """Words that follow the value of a secret, which a space may have split."""
    secret = False
    for word in argv:
        if word.startswith("-"):
            secret = _SECRET.search(word) is not None
        elif secret:
            yield word
