"""What keys there are, and for a while those that Consul has forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping

from discovery.consul import QueryResult

RETENTION = 60.0
"""Seconds that keys missing after a time without Consul, or a reset of it, may take to be written again."""

Keys = Mapping[str, bytes]


class RetainedKeys:
    """The keys of one prefix, over restarts of Consul.

    Consul has been reset when its index runs backwards; after a time without it, it may have been. What is
    missing then stays for MEMORY seconds.
    """

    def __init__(self) -> None:
        self._current: dict[str, bytes] = {}
        self._missing: dict[str, bytes] = {}
        self._index = 0
        self._expiry: float | None = None

    @property
    def keys(self) -> Keys:
        return {**self._missing, **self._current}

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the forgotten keys are given up."""
        return self._expiry

    def update(self, answer: QueryResult[Keys], *, reconnected: bool) -> bool:
        """Note an answer, the first one after a time without Consul if `anew`; whether keys are missing."""
        perhaps = reconnected or answer.index < self._index
        if perhaps:
            self._missing = dict(self.keys)
        for key in answer.data:
            self._missing.pop(key, None)
        self._current, self._index = dict(answer.data), answer.index
        if perhaps and self._missing:
            self._expiry = time.monotonic() + RETENTION
        return perhaps and bool(self._missing)

    def drop_expired(self) -> bool:
        """Let go of forgotten keys when it is time; whether there were any."""
        if self._expiry is None or time.monotonic() < self._expiry:
            return False
        given_up, self._expiry, self._missing = bool(self._missing), None, {}
        return given_up
