"""Holds the keys of a prefix, and retains for a while those that Consul has forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping

from discovery.consul import QueryResult

RETENTION = 60.0
"""Seconds that keys missing after an outage or reset of Consul are retained, until they are written again."""

Keys = Mapping[str, bytes]


class RetainedKeys:
    """The keys of one prefix, which outlive a reset of Consul.

    If the index runs backwards, Consul has been reset; after an outage it may have been. Keys that are
    missing then are retained for RETENTION seconds.
    """

    def __init__(self) -> None:
        self._current: dict[str, bytes] = {}
        self._missing: dict[str, bytes] = {}
        self._index = 0
        self._expiry: float | None = None

    @property
    def keys(self) -> Keys:
        """The current and the retained keys."""
        return {**self._missing, **self._current}

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the retained keys expire; None if there are none."""
        return self._expiry

    def update(self, result: QueryResult[Keys], *, reconnected: bool) -> bool:
        """Take a query's result; `reconnected` marks the first one of a connection.

        Return whether keys are missing.
        """
        may_be_reset = reconnected or result.index < self._index
        if may_be_reset:
            self._missing = dict(self.keys)
        for key in result.data:
            self._missing.pop(key, None)
        self._current, self._index = dict(result.data), result.index
        if may_be_reset and self._missing:
            self._expiry = time.monotonic() + RETENTION
        return may_be_reset and bool(self._missing)

    def drop_expired(self) -> bool:
        """Drop the retained keys if their time is over; return whether there were any."""
        if self._expiry is None or time.monotonic() < self._expiry:
            return False
        dropped, self._expiry, self._missing = bool(self._missing), None, {}
        return dropped
