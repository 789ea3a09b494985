"""Holds the keys of a prefix, and retains for a while those that the store has forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping

from discovery.connections.outages import RETENTION
from discovery.providers.key_value.contract import KeyUpdate

Keys = Mapping[str, bytes]
Changes = Mapping[str, bytes | None]
"""Changed keys with their new values; None stands for a key that is gone."""


class RetainedKeys:
    """The keys of one prefix, which outlive a reset of the store.

    If an update says that the store may have been reset, the keys that it lacks are retained for RETENTION
    seconds.
    """

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._missing: set[str] = set()
        self._changes: dict[str, bytes | None] = {}
        self._expiry: float | None = None

    @property
    def keys(self) -> Keys:
        """The current and the retained keys."""
        return self._keys

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the retained keys expire; None if there are none."""
        return self._expiry

    def update(self, update: KeyUpdate) -> bool:
        """Take an update of the source; return whether it may have lost keys."""
        if not update.whole:
            for key, value in update.keys.items():
                self._missing.discard(key)
                self._set(key, value)
            return False
        absent = self._keys.keys() - update.keys.keys()
        if update.may_be_reset:
            self._missing = absent
        else:
            self._missing &= absent
            for key in absent - self._missing:
                self._set(key, None)
        for key, value in update.keys.items():
            self._set(key, value)
        lost = update.may_be_reset and bool(absent)
        if lost:
            self._expiry = time.monotonic() + RETENTION
        return lost

    def drop_expired(self) -> bool:
        """Drop the retained keys if their time is over; return whether there were any."""
        if self._expiry is None or time.monotonic() < self._expiry:
            return False
        dropped, self._expiry = bool(self._missing), None
        for key in self._missing:
            self._set(key, None)
        self._missing.clear()
        return dropped

    def take_changes(self) -> Changes:
        """Return the keys that have changed since the last call."""
        taken, self._changes = self._changes, {}
        return taken

    def _set(self, key: str, value: bytes | None) -> None:
        if self._keys.get(key) == value:
            return
        self._changes[key] = value
        if value is None:
            del self._keys[key]
        else:
            self._keys[key] = value
