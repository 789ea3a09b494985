"""Verifies passwords of proxied requests in a few threads, and remembers right ones for a while.

A bcrypt hash takes 50 ms or more of CPU time, and a browser sends dozens of requests with one password.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from time import monotonic

import gevent
from gevent.threadpool import ThreadPool

from proxy.authentication.passwords import matches
from proxy.authentication.remembered_passwords import RememberedPasswords

MAX_THREADS = 2
"""Threads of a worker that compare passwords; these are not those that write the access log."""

MAX_PENDING = 128
"""Different passwords that may wait for their comparison."""


class PasswordVerifierBusyError(Exception):
    """Too many passwords wait for their comparison."""


class PasswordVerifier:
    """Compares passwords with hashes in threads, so that other requests go on meanwhile.

    Requests with the same password and hash wait for one comparison. Right passwords are remembered, wrong
    ones are not.
    """

    def __init__(
        self,
        compare: Callable[[bytes, str], bool] = matches,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._compare = compare
        self._remembered = RememberedPasswords(now)
        self._pending: dict[bytes, gevent.Greenlet[..., bool]] = {}
        self._threads = ThreadPool(MAX_THREADS)

    def verify(self, password: bytes, hashed: str) -> bool:
        """Return whether the password matches the hash. Raises PasswordVerifierBusyError."""
        digest = self._remembered.digest(password, hashed)
        if digest in self._remembered:
            return True
        comparison = self._pending.get(digest)
        if comparison is None:
            if len(self._pending) >= MAX_PENDING:
                raise PasswordVerifierBusyError
            # A greenlet of its own, because the client that came first may leave before the others.
            comparison = self._pending[digest] = gevent.spawn(self._verify, digest, password, hashed)
        # The result of a killed greenlet is an exception, which must not count as true.
        return comparison.get() is True

    def _verify(self, digest: bytes, password: bytes, hashed: str) -> bool:
        try:
            right: bool = self._threads.apply(self._compare, (password, hashed))
        finally:
            del self._pending[digest]
        if right:
            self._remembered.add(digest)
        return right


@cache
def worker_password_verifier() -> PasswordVerifier:
    """Return this worker's verifier; create it on first use."""
    return PasswordVerifier()
