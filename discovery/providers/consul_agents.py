"""Several Consul agents of which one at a time is followed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from discovery.consul import ClosedError, ConsulError, Endpoint, RefusedError
from discovery.providers.errors import ProviderError

logger = logging.getLogger(__name__)


class ConsulAgents:
    """Takes turns: the agent after one that failed is followed next."""

    def __init__(self, provider: str, endpoints: tuple[Endpoint, ...]) -> None:
        self._provider = provider
        self._endpoints = endpoints

    def follow(self, follow: Callable[[Endpoint], None], stop: threading.Event) -> None:
        """Call `follow`, which returns at `stop`, for one agent after the other until none is left.

        Raises ProviderError then; and at once when a token is refused, which no other agent would mend.
        """
        for left in range(len(self._endpoints) - 1, -1, -1):
            try:
                follow(self._endpoints[0])
            except ClosedError:
                if not stop.is_set():
                    raise
            except ConsulError as error:
                self._endpoints = (*self._endpoints[1:], self._endpoints[0])
                if not left or isinstance(error, RefusedError):
                    raise ProviderError(error.message, error.hint) from error
                logger.warning("provider %s: %s; the next agent is asked", self._provider, error)
            if stop.is_set():
                return
