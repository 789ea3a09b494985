"""The agent: providers in threads of their own, and one that publishes what they find."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import redis

from discovery import providers as available
from discovery.board import Board
from discovery.health.checks import Checks
from discovery.providers.contract import Provider
from discovery.publication import Publication
from discovery.supervision import supervise
from rondpoint.settings import Settings
from rondpoint.store.keys import Keys

logger = logging.getLogger(__name__)

FAREWELL = 1.5
"""Seconds that threads have to end; one that hangs in a system call is left behind."""


class Agent:
    """Feeds one installation's store from the providers that the settings ask for, or from `providers`.

    `client` is the agent's alone.
    """

    def __init__(
        self, settings: Settings, client: redis.Redis, providers: Mapping[str, Provider] | None = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._providers = available.configured(settings) if providers is None else providers

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, and return within two seconds of it."""
        if not self._providers:
            logger.warning("no provider is set, so there are no routes: see providers.docker, providers.file")
        board = Board(self._providers)
        keys = Keys(self._settings.redis.namespace)
        checks = Checks(board.touch)
        publication = Publication(board, self._client, keys, tuple(self._settings.web_entry_points), checks)
        threads = [_thread("publication", publication.run, stop), _thread("health", checks.run, stop)]
        for name, provider in self._providers.items():
            threads.append(_thread(name, supervise, provider, board, stop))
        for thread in threads:
            thread.start()
        stop.wait()
        board.bell.set()
        deadline = time.monotonic() + FAREWELL
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=target, name=name, args=arguments, daemon=True)
