"""Removes secret values of settings from diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.written_setting import WrittenSetting

_SECRET = re.compile(r"password|token|secret|hmac|users|credential|auth|headers|\burl\b|:\S*@", re.IGNORECASE)
_PIECE = re.compile(r"[^\s:/@,'\"]+")
_MIN_PIECE_LENGTH = 3

REPLACEMENT = "…"


class SecretFilter:
    """The values of settings that may be secret, and the words of `argv` that may belong to such a value."""

    def __init__(self, settings: Sequence[WrittenSetting], argv: Sequence[str]) -> None:
        self._secrets = sorted(
            {*_secret_values(settings), *_words_after_secrets(argv)}, key=len, reverse=True
        )
        self._pieces = {
            piece
            for secret in self._secrets
            for piece in _PIECE.findall(secret)
            if len(piece) >= _MIN_PIECE_LENGTH
        }

    def redact(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return the diagnostic without secrets; a hint that quotes a part of a secret is removed."""
        hint = self._redact_text(diagnostic.hint)
        return replace(
            diagnostic,
            subject=self._redact_text(diagnostic.subject),
            message=self._redact_text(diagnostic.message),
            hint="" if any(f"'{piece}" in hint or f"{piece}'" in hint for piece in self._pieces) else hint,
        )

    def _redact_text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(repr(secret), repr(REPLACEMENT))
            if text.endswith(f": {secret}"):
                text = text.removesuffix(secret) + REPLACEMENT
        return text


def _secret_values(settings: Sequence[WrittenSetting]) -> Iterator[str]:
    for setting in settings:
        if isinstance(setting.value, str) and _SECRET.search(f"{setting.dotted_key} {setting.value}"):
            yield setting.value


def _words_after_secrets(argv: Sequence[str]) -> Iterator[str]:
    """Yield the words after a secret flag: a space may have split its value."""
    is_secret = False
    for word in argv:
        if word.startswith("-"):
            is_secret = _SECRET.search(word) is not None
        elif is_secret:
            yield word
