"""Gives all workers of all instances the same keys for session tickets, and new ones every 12 hours.

So a client can resume its session at any worker. The first worker that needs the keys of a period writes them
to the store. Without the store, the workers of an instance derive the same keys from its secret.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING
from weakref import WeakSet

import gevent
from gevent.event import Event
from redis.exceptions import RedisError, ResponseError

from proxy.authentication.instance_secret import INSTANCE_SECRET
from proxy.tls.openssl_context import KEY_BYTES, openssl

if TYPE_CHECKING:
    import ssl

    import redis

PERIOD = 12 * 3600
"""Seconds for which keys are used. Tickets from before a change cost a full handshake."""
EXPIRY = 2 * PERIOD
CHECK_INTERVAL = 30.0
"""Seconds after which the period, or a store that did not reply, is looked at again."""


class TicketRotation:
    """The contexts of a worker and their present keys; `key` names the store's key for a period."""

    def __init__(self, client: redis.Redis, key: Callable[[str], str]) -> None:
        self._client = client
        self._key = key
        access = openssl()
        self._set_keys = None if access is None else access.set_ticket_keys
        self._contexts: WeakSet[ssl.SSLContext] = WeakSet()
        self._period = _current_period()
        self._shared = False
        self._needed = Event()
        self._keys = derive_keys(INSTANCE_SECRET, self._period)

    def add(self, context: ssl.SSLContext) -> None:
        """Set the present keys in this context, and all later ones."""
        if self._set_keys is not None:
            self._contexts.add(context)
            self._set_keys(context, self._keys)
            self._needed.set()

    def run(self) -> None:
        """Follow the periods, and the store if it did not reply, from the first context on."""
        self._needed.wait()
        while True:
            self.refresh(_current_period())
            gevent.sleep(CHECK_INTERVAL)

    def refresh(self, period: int) -> None:
        """Set the keys of this period in all contexts, unless they are the present ones."""
        if self._set_keys is None or (self._shared and period == self._period):
            return
        keys = self._read_or_write(period)
        self._shared, self._period = keys is not None, period
        self._keys = keys or derive_keys(INSTANCE_SECRET, period)
        for context in self._contexts:
            self._set_keys(context, self._keys)

    def _read_or_write(self, period: int) -> bytes | None:
        """Return the store's keys, after writing new ones if it has none; None if it does not reply."""
        key, new = self._key(str(period)), os.urandom(KEY_BYTES)
        try:
            self._client.set(key, new, nx=True, ex=EXPIRY)
            try:
                keys = self._client.get(key)
            except ResponseError:
                # It holds another type.
                keys = None
            if not (isinstance(keys, bytes) and len(keys) == KEY_BYTES):
                self._client.set(key, new, ex=EXPIRY)
                return new
        except RedisError:
            return None
        return keys


def derive_keys(secret: bytes, period: int) -> bytes:
    """Return the keys of a period that those who share this secret agree on."""
    blocks = (hmac.digest(secret, b"session tickets %d %d" % (period, part), "sha512") for part in range(2))
    return b"".join(blocks)[:KEY_BYTES]


def _current_period() -> int:
    return int(time() // PERIOD)
