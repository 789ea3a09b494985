"""What a browser keeps once the token was shown: signed by the token, so that no worker remembers it."""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadSignature, TimestampSigner

LIFETIME = 12 * 60 * 60
"""Seconds that a session holds."""

_SALT = b"rondpoint.session"


class Sessions:
    """Of one token: the same in every worker and instance that has it, and of no use once it is another."""

    def __init__(self, token: bytes) -> None:
        """Takes a while: who gets hold of a session is not to find the token by trying many."""
        key = hashlib.scrypt(token, salt=_SALT, n=1 << 14, r=8, p=1, dklen=32)
        self._signer = TimestampSigner(key, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)

    def issue(self) -> str:
        """What the browser is to keep."""
        return self._signer.sign(secrets.token_urlsafe(12)).decode()

    def is_valid(self, session: str) -> bool:
        """Whether it was begun with this token, and not too long ago."""
        try:
            self._signer.unsign(session.encode(errors="replace"), max_age=LIFETIME)
        except BadSignature:
            return False
        return True
