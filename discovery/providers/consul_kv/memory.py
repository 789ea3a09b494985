"""What keys there are, and for a while those that Consul has forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping

from discovery.consul import Answer

MEMORY = 60.0
"""Seconds that keys missing after a time without Consul, or a reset of it, may take to be written again."""

Keys = Mapping[str, bytes]


class Memory:
    """The keys of one prefix, over restarts of Consul.

    Consul has been reset when its index runs backwards; after a time without it, it may have been. What is
    missing then stays for MEMORY seconds.
    """

    def __init__(self) -> None:
        self._now: dict[str, bytes] = {}
        self._lost: dict[str, bytes] = {}
        self._index = 0
        self._until: float | None = None

    @property
    def keys(self) -> Keys:
        return {**self._lost, **self._now}

    @property
    def next_loss(self) -> float | None:
        """When (monotonic) the forgotten keys are given up."""
        return self._until

    def take(self, answer: Answer[Keys], *, anew: bool) -> bool:
        """Note an answer, the first one after a time without Consul if `anew`; whether keys are missing."""
        perhaps = anew or answer.index < self._index
        if perhaps:
            self._lost = dict(self.keys)
        for key in answer.data:
            self._lost.pop(key, None)
        self._now, self._index = dict(answer.data), answer.index
        if perhaps and self._lost:
            self._until = time.monotonic() + MEMORY
        return perhaps and bool(self._lost)

    def give_up(self) -> bool:
        """Let go of forgotten keys when it is time; whether there were any."""
        if self._until is None or time.monotonic() < self._until:
            return False
        given_up, self._until, self._lost = bool(self._lost), None, {}
        return given_up
