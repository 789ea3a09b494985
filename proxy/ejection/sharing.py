"""Shares ejections between workers through the store. No request waits for it.

Without a store each worker knows only its own ejections. A write stores the state at that moment, not each
change since the last write.
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
    split_ejection_key,
    write_ejection,
)
from rondpoint.store.keys import Keys
from rondpoint.ticks import next_tick

log = logging.getLogger(__name__)

POLL = 2.0
"""Seconds between full reads, so that nothing depends on the arrival of a message."""

RENEWAL = LEASE / 4
"""Seconds between two writes of the same lease."""

LONGEST_PAUSE = 5.0


class EjectionSync:
    """Synchronises `ejections` with the store; `run_writer` and `run_reader` run until killed."""

    def __init__(self, client: redis.Redis, keys: Keys, ejections: Ejections) -> None:
        self._client = client
        self._keys = keys
        self._ejections = ejections
        self._due: set[str] = set()
        self._wake_up = Event()
        self._leases: set[str] = set()
        self._warned = False
        ejections.notify = self._mark_due

    def run_writer(self) -> None:
        """Write this worker's ejections to the store whenever they change."""
        pause = 0.1
        while True:
            self._wake_up.wait()
            self._wake_up.clear()
            try:
                self._write_due()
                pause = 0.1
            except (redis.RedisError, OSError) as error:
                self._warn(error)
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)
                self._wake_up.set()

    def run_reader(self) -> None:
        """Apply the ejections that other workers write."""
        pause = 0.1
        while True:
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.ejections)
                    self._read_all()
                    self._warned = False
                    pause = 0.1
                    self._follow(subscription)
            except (redis.RedisError, OSError) as error:
                self._warn(error)
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)

    def end_leases(self, seconds: float) -> None:
        """End this worker's leases within `seconds`, so that the other workers try the servers at once."""
        try:
            with gevent.Timeout(seconds):
                for url, service in map(split_ejection_key, self._leases):
                    notice = EjectionNotice(url, self._ejections.name, service=service)
                    remove_ejection(self._client, self._keys, notice)
        except (redis.RedisError, OSError, gevent.Timeout) as error:
            self._warn(error)

    def _mark_due(self, key: str) -> None:
        self._due.add(key)
        self._wake_up.set()

    def _write_due(self) -> None:
        while self._due:
            key = self._due.pop()
            try:
                self._write(key)
            except BaseException:
                self._due.add(key)
                raise

    def _write(self, key: str) -> None:
        own, name, now = self._ejections.own_ejection(key), self._ejections.name, monotonic()
        url, service = split_ejection_key(key)
        if own is None:
            # If the server is ejected all the same, the entry is another worker's now and stays.
            if key not in self._ejections.ejected:
                remove_ejection(self._client, self._keys, EjectionNotice(url, name, service=service))
            self._leases.discard(key)
        elif now >= own.renew_at:
            self._leases.add(key)
            notice = EjectionNotice(url, name, LEASE, own.reason, service)
            write_ejection(self._client, self._keys, notice, age=now - own.since, publish=not own.announced)
            own.announced, own.renew_at = True, now + RENEWAL

    def _follow(self, subscription: Any) -> None:
        due = next_tick(POLL)
        while True:
            message = subscription.get_message(timeout=max(0.0, due - monotonic()))
            if message is not None and message["type"] == "message":
                self._receive(message["data"])
            if monotonic() >= due:
                self._read_all()
                due = next_tick(POLL)

    def _receive(self, data: bytes) -> None:
        try:
            self._ejections.receive(decode_notice(data))
        except msgspec.MsgspecError as error:
            log.warning("a notice about an ejected server cannot be decoded: %s", error)

    def _read_all(self) -> None:
        stored = read_ejections(self._client, self._keys)
        self._ejections.receive_all(stored.notices)
        drop_ejections(self._client, self._keys, stored.stale)

    def _warn(self, error: BaseException) -> None:
        if not self._warned:
            log.warning("this worker cannot share ejections with the others: %s", error)
        self._warned = True
