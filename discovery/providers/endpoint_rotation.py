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

    `find` returns the endpoints of the settings, or raises ValueError with one line; it is called when they
    are first followed. Several threads may follow the same source; they move to the next endpoint together.
    """

    def __init__(self, provider: str, find: Callable[[], Sequence[E]]) -> None:
        self._provider = provider
        self._find = find
        self._endpoints: Sequence[E] = ()
        self._current = 0
        self._lock = threading.Lock()

    def follow(self, follow: Callable[[E], None], stop: threading.Event) -> None:
        """Call `follow`, which returns at `stop`, for one endpoint after the other.

        Raises ProviderError if the settings are invalid, or every endpoint failed. NotPermittedError is
        raised at once: the other endpoints would refuse the credentials too.
        """
        endpoints = self._found()
        for remaining in range(len(endpoints) - 1, -1, -1):
            chosen = self._current
            try:
                follow(endpoints[chosen])
            except ProviderError as error:
                self._leave(chosen)
                if not remaining or isinstance(error, NotPermittedError):
                    raise
                logger.warning("provider %s: %s; trying the next endpoint", self._provider, error)
            if stop.is_set():
                return

    def _found(self) -> Sequence[E]:
        with self._lock:
            try:
                self._endpoints = self._endpoints or self._find()
            except ValueError as error:
                raise ProviderError(str(error)) from error
            return self._endpoints

    def _leave(self, failed: int) -> None:
        with self._lock:
            if self._current == failed:
                self._current = (failed + 1) % len(self._endpoints)
