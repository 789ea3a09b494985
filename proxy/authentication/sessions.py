"""Sessions of the dashboard: cookies signed with the token, so that workers store nothing."""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadSignature, TimestampSigner

LIFETIME = 12 * 60 * 60
"""Seconds for which a session is valid."""

_SALT = b"rondpoint.session"


class Sessions:
    """The sessions of one token: valid in all workers and instances with this token, invalid with another."""

    def __init__(self, token: bytes) -> None:
        """Derive the key with scrypt, which is slow: a stolen session must not help to guess the token."""
        key = hashlib.scrypt(token, salt=_SALT, n=1 << 14, r=8, p=1, dklen=32)
        self._signer = TimestampSigner(key, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)

    def issue(self) -> str:
        """Return a new session, the value of the cookie."""
        return self._signer.sign(secrets.token_urlsafe(12)).decode()

    def is_valid(self, session: str) -> bool:
        """Return whether a session was signed with this token within LIFETIME."""
        try:
            self._signer.unsign(session.encode(errors="replace"), max_age=LIFETIME)
        except BadSignature:
            return False
        return True
