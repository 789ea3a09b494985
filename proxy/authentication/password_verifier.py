"""Verifies passwords of proxied requests in a few threads, and remembers right ones for a while.

A bcrypt hash takes 50 ms or more of CPU time, and a browser sends dozens of requests with one password.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from time import monotonic

import gevent
from gevent.threadpool import ThreadPool

from proxy.authentication.passwords import matches

REMEMBER_SECONDS = 60.0
"""Seconds for which a right password is not compared again."""

MAX_REMEMBERED = 10_000
"""Right passwords that are remembered; the one that was compared first is forgotten first."""

MAX_THREADS = 2
"""Threads of a worker that compare passwords; these are not those that write the access log."""

MAX_PENDING = 128
"""Different passwords that may wait for their comparison."""


class PasswordVerifierBusyError(Exception):
    """Too many passwords wait for their comparison."""


class PasswordVerifier:
    """Compares passwords with hashes in threads, so that other requests go on meanwhile.

    Requests with the same password and hash wait for one comparison. Right passwords are remembered as
    digests, with a random key of this process. The digests cover the hash, so a changed hash is compared
    anew. Wrong passwords are not remembered.
    """

    def __init__(
        self,
        compare: Callable[[bytes, str], bool] = matches,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._compare = compare
        self._now = now
        self._secret = os.urandom(32)
        self._valid_until: dict[bytes, float] = {}
        self._pending: dict[bytes, gevent.Greenlet[..., bool]] = {}
        self._threads = ThreadPool(MAX_THREADS)

    def verify(self, password: bytes, hashed: str) -> bool:
        """Return whether the password matches the hash. Raises PasswordVerifierBusyError."""
        key = blake2b(b"%b\0%b" % (hashed.encode(), password), key=self._secret, digest_size=32).digest()
        if self._valid_until.get(key, 0.0) > self._now():
            return True
        comparison = self._pending.get(key)
        if comparison is None:
            if len(self._pending) >= MAX_PENDING:
                raise PasswordVerifierBusyError
            # A greenlet of its own, because the client that came first may leave before the others.
            comparison = self._pending[key] = gevent.spawn(self._verify, key, password, hashed)
        # The result of a killed greenlet is an exception, which must not count as true.
        return comparison.get() is True

    def _verify(self, key: bytes, password: bytes, hashed: str) -> bool:
        try:
            right: bool = self._threads.apply(self._compare, (password, hashed))
        finally:
            del self._pending[key]
        if right:
            self._remember(key)
        return right

    def _remember(self, key: bytes) -> None:
        # The dictionary is in order of time, because all entries stay valid equally long.
        self._valid_until.pop(key, None)
        if len(self._valid_until) >= MAX_REMEMBERED:
            del self._valid_until[next(iter(self._valid_until))]
        self._valid_until[key] = self._now() + REMEMBER_SECONDS


@cache
def worker_password_verifier() -> PasswordVerifier:
    """Return this worker's verifier; create it on first use."""
    return PasswordVerifier()
