"""Following what the API has defined: each change is told, and a look now and then finds what was missed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

from discovery.providers.contract import Emit
from rondpoint.model import Configuration
from rondpoint.store.admin.document import Document, read_document, read_version
from rondpoint.store.keys import Keys

logger = logging.getLogger(__name__)

POLL_INTERVAL = 1.0
"""Seconds between two looks at the version, and until a store that is away is tried again."""

MESSAGE_WAIT = 0.2
"""Seconds after which a wait for word looks whether it is to end."""

Assemble = Callable[[Document], Configuration]


class ApiProvider:
    """Emits whenever what the API has defined changes; `assemble` makes its part of that a configuration.

    Its source is the store, whose loss of data takes no routes away.
    """

    def __init__(self, name: str, assemble: Assemble, client: redis.Redis, keys: Keys) -> None:
        self.name = name
        self._assemble = assemble
        self._client = client
        self._keys = keys
        self._version: int | None = None
        self._emitted: Configuration | None = None

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow until `stop`; store faults are waited out, since nothing can be published meanwhile."""
        self._version = self._emitted = None
        while not stop.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.admin_changes)
                    self._follow(subscription, emit, stop)
            except (redis.RedisError, OSError) as error:
                logger.debug("what the API defines cannot be followed: %s", error)
                stop.wait(POLL_INTERVAL)

    def _follow(self, subscription: Any, emit: Emit, stop: threading.Event) -> None:
        due = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if now >= due:
                self._read(emit)
                due = now + POLL_INTERVAL
            if subscription.get_message(timeout=MESSAGE_WAIT) is not None:
                due = 0.0

    def _read(self, emit: Emit) -> None:
        version = read_version(self._client, self._keys)
        if version == self._version or (not version and self._version):
            return
        document = read_document(self._client, self._keys)
        if not document.version and self._version:
            return
        configuration = self._assemble(document)
        self._version = document.version
        if configuration != self._emitted:
            self._emitted = configuration
            emit(configuration)
