"""Fails over between several endpoints of one source, of which one at a time is followed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from discovery.providers.errors import NotPermittedError, ProviderError

logger = logging.getLogger(__name__)

E = TypeVar("E")


class EndpointRotation(Generic[E]):
    """The endpoints of one source, in rotation: after a failure, the next endpoint is followed.

    Several threads may follow the same source; they move to the next endpoint together.
    """

    def __init__(self, provider: str, endpoints: Sequence[E]) -> None:
        self._provider = provider
        self._endpoints = tuple(endpoints)
        self._current = 0
        self._lock = threading.Lock()

    def follow(self, follow: Callable[[E], None], stop: threading.Event) -> None:
        """Call `follow`, which returns at `stop`, for one endpoint after the other.

        Raises ProviderError if every endpoint failed. NotPermittedError is raised at once: the other
        endpoints would refuse the credentials too.
        """
        for remaining in range(len(self._endpoints) - 1, -1, -1):
            chosen = self._current
            try:
                follow(self._endpoints[chosen])
            except ProviderError as error:
                self._leave(chosen)
                if not remaining or isinstance(error, NotPermittedError):
                    raise
                logger.warning("provider %s: %s; trying the next endpoint", self._provider, error)
            if stop.is_set():
                return

    def _leave(self, failed: int) -> None:
        with self._lock:
            if self._current == failed:
                self._current = (failed + 1) % len(self._endpoints)
