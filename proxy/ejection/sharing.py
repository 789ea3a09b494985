"""Ejections go to the store and come from it; nothing waits for that, and without it each worker has its own.

What is told is what holds when it is told, not each step on the way.
"""

from __future__ import annotations

import logging
import random
from time import monotonic
from typing import Any

import gevent
import msgspec
import redis
from gevent.event import Event

from proxy.ejection.ejections import LEASE, Ejections
from rondpoint.store.ejections import (
    EjectionNotice,
    decode_notice,
    drop_ejections,
    read_ejections,
    remove_ejection,
    write_ejection,
)
from rondpoint.store.keys import Keys

log = logging.getLogger(__name__)

POLL = 2.0
"""Seconds after which all is read anew: nothing depends on a message arriving."""

RENEWAL = LEASE / 4
"""Seconds for which a lease that was written is not written again."""

LONGEST_PAUSE = 5.0


class EjectionSync:
    """Keeps `ejections` and the store alike: `tell` and `listen` run beside the requests, until killed."""

    def __init__(self, client: redis.Redis, keys: Keys, ejections: Ejections) -> None:
        self._client = client
        self._keys = keys
        self._ejections = ejections
        self._due: set[str] = set()
        self._bell = Event()
        self._leases: set[str] = set()
        self._complained = False
        ejections.tell = self._soon

    def tell(self) -> None:
        """Write what is due."""
        pause = 0.1
        while True:
            self._bell.wait()
            self._bell.clear()
            try:
                self._tell_all()
                pause = 0.1
            except (redis.RedisError, OSError) as error:
                self._complain(error)
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)
                self._bell.set()

    def listen(self) -> None:
        """Take over what others write."""
        pause = 0.1
        while True:
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.ejections)
                    self._read()
                    self._complained = False
                    pause = 0.1
                    self._follow(subscription)
            except (redis.RedisError, OSError) as error:
                self._complain(error)
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)

    def end(self, seconds: float) -> None:
        """Take this worker's leases back, so that those who stay look for themselves at once."""
        try:
            with gevent.Timeout(seconds):
                for url in self._leases:
                    remove_ejection(self._client, self._keys, EjectionNotice(url, self._ejections.name))
        except (redis.RedisError, OSError, gevent.Timeout) as error:
            self._complain(error)

    def _soon(self, url: str) -> None:
        self._due.add(url)
        self._bell.set()

    def _tell_all(self) -> None:
        while self._due:
            url = self._due.pop()
            try:
                self._tell(url)
            except BaseException:
                self._due.add(url)
                raise

    def _tell(self, url: str) -> None:
        own, name, now = self._ejections.own(url), self._ejections.name, monotonic()
        if own is None:
            # Unless it is another worker's by now.
            if url not in self._ejections.ejected:
                remove_ejection(self._client, self._keys, EjectionNotice(url, name))
            self._leases.discard(url)
        elif now >= own.renew_at:
            self._leases.add(url)
            notice = EjectionNotice(url, name, LEASE, own.reason)
            write_ejection(self._client, self._keys, notice, age=now - own.since, tell=not own.told)
            own.told, own.renew_at = True, now + RENEWAL

    def _follow(self, subscription: Any) -> None:
        due = monotonic() + POLL
        while True:
            message = subscription.get_message(timeout=max(0.0, due - monotonic()))
            if message is not None and message["type"] == "message":
                self._told(message["data"])
            if monotonic() >= due:
                self._read()
                due = monotonic() + POLL

    def _told(self, data: bytes) -> None:
        try:
            self._ejections.receive(decode_notice(data))
        except msgspec.MsgspecError as error:
            log.warning("a message about servers put aside cannot be decoded: %s", error)

    def _read(self) -> None:
        stored = read_ejections(self._client, self._keys)
        self._ejections.receive_all(stored.notices)
        drop_ejections(self._client, self._keys, stored.stale)

    def _complain(self, error: BaseException) -> None:
        if not self._complained:
            log.warning("servers that are put aside are so in this worker alone: %s", error)
        self._complained = True
