"""Follows prefixes of one source, each in a thread of its own, and collects their updates."""

from __future__ import annotations

import queue
import threading
from types import TracebackType

from discovery.providers.errors import ProviderError
from discovery.providers.key_value.contract import KeyUpdate, KeyValueSource

Updates = list[tuple[str, KeyUpdate]]
"""Updates with their prefixes, in the order of their arrival."""


class FollowedPrefixes:
    """The followed prefixes of one source. All methods except `end` must be called from one thread."""

    def __init__(self, source: KeyValueSource) -> None:
        self._source = source
        self._active: dict[str, _Follower] = {}
        self._stopped: list[_Follower] = []
        self._lock = threading.Lock()
        self._ended = False
        self._received: _Received = queue.SimpleQueue()

    def __enter__(self) -> FollowedPrefixes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for follower in [*self._active.values(), *self._stopped]:
            follower.thread.join()

    def follow(self, prefix: str) -> None:
        """Start to follow a prefix; its first update is whole."""
        follower = _Follower(self._source, prefix, self._received)
        with self._lock:
            self._active[prefix] = follower
            if self._ended:
                follower.stop.set()
        follower.thread.start()

    def unfollow(self, prefix: str) -> None:
        """Stop to follow a prefix; none of its updates is passed on any more."""
        with self._lock:
            follower = self._active.pop(prefix)
        follower.stop.set()
        self._stopped = [each for each in self._stopped if each.thread.is_alive()] + [follower]

    def end(self) -> None:
        """Stop to follow all prefixes. May be called from any thread."""
        with self._lock:
            self._ended = True
            for follower in self._active.values():
                follower.stop.set()
        self._received.put((None, None))

    def take(self, timeout: float | None = None) -> Updates:
        """Wait for an update, `timeout` seconds at most, or until `end`; return all updates at hand.

        Raises the error of a source that failed.
        """
        updates: Updates = []
        try:
            self._collect(*self._received.get(timeout=timeout), updates)
        except queue.Empty:
            return updates
        while not self._received.empty():
            self._collect(*self._received.get(), updates)
        return updates

    def _collect(
        self, follower: _Follower | None, update: KeyUpdate | Exception | None, updates: Updates
    ) -> None:
        if follower is None or self._active.get(follower.prefix) is not follower:
            return
        if isinstance(update, Exception):
            raise update
        if update is not None:
            updates.append((follower.prefix, update))


class _Follower:
    """A thread that follows one prefix until `stop` is set."""

    def __init__(self, source: KeyValueSource, prefix: str, received: _Received) -> None:
        self.prefix = prefix
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"{source.name}-{prefix}", daemon=True)
        self._source = source
        self._received = received

    def _run(self) -> None:
        try:
            self._source.follow(self.prefix, self._report, self.stop)
            if not self.stop.is_set():
                raise ProviderError("the store ended without an error")
        except Exception as error:  # noqa: BLE001 - `take` raises it in the thread that waits for updates
            self._received.put((self, error))

    def _report(self, update: KeyUpdate) -> None:
        self._received.put((self, update))


_Received = queue.SimpleQueue[tuple[_Follower | None, KeyUpdate | Exception | None]]
