"""Remembers right passwords for a while, as digests: password hashes are slow by design."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic

REMEMBER_SECONDS = 60.0
"""Seconds for which a right password is not compared again."""

MAX_REMEMBERED = 10_000
"""Right passwords that are remembered; the one that was compared first is forgotten first."""


class RememberedPasswords:
    """Digests of right passwords with their hashes, made with a random key of this process.

    The digests cover the hash, so a password is compared again after its hash has changed.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._secret = os.urandom(32)
        self._valid_until: dict[bytes, float] = {}

    def digest(self, password: bytes, hashed: str) -> bytes:
        return blake2b(b"%b\0%b" % (hashed.encode(), password), key=self._secret, digest_size=32).digest()

    def __contains__(self, digest: bytes) -> bool:
        return self._valid_until.get(digest, 0.0) > self._now()

    def add(self, digest: bytes) -> None:
        """Remember a password that matched its hash."""
        # The dictionary is in order of time, because all entries stay valid equally long.
        self._valid_until.pop(digest, None)
        if len(self._valid_until) >= MAX_REMEMBERED:
            del self._valid_until[next(iter(self._valid_until))]
        self._valid_until[digest] = self._now() + REMEMBER_SECONDS
