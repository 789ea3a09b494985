"""Follows the keys below a prefix in Redis by its keyspace notifications."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import redis

from discovery.connections.addresses import Address
from discovery.connections.stopping import on_stop
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.key_value import KeyUpdate, Report
from discovery.providers.redis_keys.connections import address_of, addresses_of, connect
from discovery.providers.redis_keys.faults import faults_of
from discovery.providers.redis_keys.notifications import channel, key_of, switch_on
from discovery.providers.redis_keys.reading import Values, read, read_below
from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import RedisKeysOptions

CHECK_INTERVAL = 30.0
"""Seconds between two readings of the known keys, which find what Redis does not report: FLUSHALL."""

READ_INTERVAL = 5.0
"""Seconds between two readings of all keys, if Redis may report no changes."""

_MAX_BATCH = 1_000
_ABORT_INTERVAL = 0.1


class RedisKeys:
    """The keys of Redis.

    A notification names the changed key; its value is read then. Redis has no history, so keys that are
    missing after an outage may be lost or deleted.
    """

    name = "redis"

    def __init__(self, options: RedisKeysOptions) -> None:
        self._options = options
        self._rotation = EndpointRotation(self.name, lambda: addresses_of(options))

    def follow(self, prefix: str, report: Report, stop: threading.Event) -> None:
        """Report the keys below `prefix` until `stop`. Raises ProviderError if no endpoint can be read."""
        self._rotation.follow(lambda address: self._follow(address, prefix, report, stop), stop)

    def _follow(self, address: Address, prefix: str, report: Report, stop: threading.Event) -> None:
        with connect(address, self._options) as client:
            found = address_of(client)
            follower = _Follower(client, self._options, f"{prefix}/" if prefix else "", found, report)
            try:
                with on_stop(stop, follower.abort), faults_of(found):
                    follower.run(stop)
            except Exception:
                # Aborting closes the sockets under the calls that wait, which fail in several ways.
                if not stop.is_set():
                    raise


class _Follower:
    """The keys below one prefix of one server."""

    def __init__(
        self, client: redis.Redis, options: RedisKeysOptions, prefix: str, address: str, report: Report
    ) -> None:
        self._client = client
        self._options = options
        self._prefix = prefix
        self._address = address
        self._report = report
        self._values: Values = {}
        self._diagnostics: tuple[Diagnostic, ...] = ()
        self._changes = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._ended = threading.Event()

    def abort(self) -> None:
        """Close all connections under the calls that wait, until `run` has ended; runs in another thread."""
        # A call that was about to begin opens a connection again.
        while True:
            self._client.connection_pool.disconnect()
            if self._ended.wait(_ABORT_INTERVAL):
                return

    def run(self, stop: threading.Event) -> None:
        """Report all keys, and then each change. Raises redis.RedisError."""
        try:
            with self._changes:
                self._follow(stop)
        finally:
            self._ended.set()

    def _follow(self, stop: threading.Event) -> None:
        self._diagnostics = switch_on(self._client, self._address)
        interval = READ_INTERVAL if self._diagnostics else CHECK_INTERVAL
        # Changes that happen while the keys are read are reported afterwards.
        self._changes.psubscribe(channel(self._options.db, self._prefix))
        self._changes.get_message(timeout=None)
        self._values = read_below(self._client, self._prefix)
        self._report_all(may_be_reset=True)
        due = time.monotonic() + interval
        while not stop.is_set():
            changed = self._take_changes(max(0.0, due - time.monotonic()))
            if changed:
                self._read(changed)
            if time.monotonic() >= due:
                self._check()
                due = time.monotonic() + interval

    def _take_changes(self, timeout: float) -> set[bytes]:
        """Wait for notifications; return the changed keys of all that are at hand."""
        changed: set[bytes] = set()
        message: Mapping[str, Any] | None = self._changes.get_message(timeout=timeout)
        while message is not None:
            if message["type"] == "pmessage":
                changed.add(key_of(message["channel"], self._options.db))
            message = self._changes.get_message(timeout=0.0) if len(changed) < _MAX_BATCH else None
        return changed

    def _read(self, keys: set[bytes]) -> None:
        found = read(self._client, keys)
        for key in keys:
            self._values.pop(key, None)
        self._values.update(found)
        self._report(KeyUpdate({_text(key): found.get(key) for key in keys}))

    def _check(self) -> None:
        """Read the known keys without a notification; read all keys if Redis may report no changes."""
        if self._options.sentinel is not None and self._client.role()[0] != b"master":
            raise redis.ConnectionError("it is no longer the master")
        unreported = bool(self._diagnostics)
        found = read_below(self._client, self._prefix) if unreported else read(self._client, self._values)
        if found == self._values:
            return
        self._values = found
        # Redis reports each deleted key, unless all keys of a database are deleted at once.
        self._report_all(may_be_reset=not unreported or not found)

    def _report_all(self, *, may_be_reset: bool) -> None:
        keys = {_text(key): value for key, value in self._values.items()}
        self._report(KeyUpdate(keys, whole=True, may_be_reset=may_be_reset, diagnostics=self._diagnostics))


def _text(key: bytes) -> str:
    return key.decode(errors="replace")
