"""The providers `admin` and `rest`: follow messages about changes, and poll in case one was missed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import redis

from discovery.connections.stopping import on_stop
from discovery.providers.contract import Emit
from rondpoint.configuration import Configuration
from rondpoint.store.admin.document import Document, read_document, read_version
from rondpoint.store.keys import Keys
from rondpoint.ticks import next_tick

logger = logging.getLogger(__name__)

POLL_INTERVAL = 2.0
"""Seconds between two reads of the version, in case a message was missed."""

RETRY_DELAY = 1.0
"""Seconds before another attempt at an unavailable store."""

Assemble = Callable[[Document], Configuration]


class ApiProvider:
    """A provider that emits whenever the stored document changes; `assemble` builds its configuration.

    If the store loses its data, the routes stay.
    """

    def __init__(self, name: str, assemble: Assemble, client: redis.Redis, keys: Keys) -> None:
        self.name = name
        self._assemble = assemble
        self._client = client
        self._keys = keys
        self._version: int | None = None
        self._emitted: Configuration | None = None

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the document until `stop`.

        Store errors only delay it, as nothing can be published meanwhile.
        """
        self._version = self._emitted = None
        while not stop.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.admin_changes)
                    with on_stop(stop, partial(_wake, subscription)):
                        self._follow(subscription, emit, stop)
            except (redis.RedisError, OSError) as error:
                logger.debug("the API's changes cannot be followed: %s", error)
                stop.wait(RETRY_DELAY)

    def _follow(self, subscription: Any, emit: Emit, stop: threading.Event) -> None:
        due = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if now >= due:
                self._read(emit)
                due = next_tick(POLL_INTERVAL)
            if subscription.get_message(timeout=due - now) is not None:
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


def _wake(subscription: Any) -> None:
    """End a wait for a message: the store's reply to PING counts as one."""
    with suppress(redis.RedisError, OSError):
        subscription.ping()
