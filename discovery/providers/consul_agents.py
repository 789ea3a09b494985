"""Fails over between several Consul agents, of which one at a time is followed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from discovery.consul import ClosedError, ConsulError, Endpoint, RefusedError
from discovery.providers.errors import ProviderError

logger = logging.getLogger(__name__)


class ConsulAgents:
    """The Consul agents of one provider, in rotation: after a failure, the next agent is followed."""

    def __init__(self, provider: str, endpoints: tuple[Endpoint, ...]) -> None:
        self._provider = provider
        self._endpoints = endpoints

    def follow(self, follow: Callable[[Endpoint], None], stop: threading.Event) -> None:
        """Call `follow`, which returns at `stop`, for one agent after the other.

        Raises ProviderError if every agent failed. A refused token raises it at once: the other agents would
        refuse it too.
        """
        for remaining in range(len(self._endpoints) - 1, -1, -1):
            try:
                follow(self._endpoints[0])
            except ClosedError:
                if not stop.is_set():
                    raise
            except ConsulError as error:
                self._endpoints = (*self._endpoints[1:], self._endpoints[0])
                if not remaining or isinstance(error, RefusedError):
                    raise ProviderError(error.message, error.hint) from error
                logger.warning("provider %s: %s; trying the next Consul agent", self._provider, error)
            if stop.is_set():
                return
