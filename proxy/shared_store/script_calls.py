"""The calls of scripts in the store, on behalf of requests: one connection and one call at a time.

What needs the store meanwhile is collected for the next call, so a worker sends few calls, however many
requests it serves. If the store does not reply within REPLY_TIMEOUT, no request fails: the callers then count
by themselves, until trials in the background find that the store replies in time again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gevent
import redis
from gevent import get_hub
from gevent.event import Event

from proxy.shared_store.response_trials import REPLY_TIMEOUT, ResponseTrials

log = logging.getLogger(__name__)

FIRST_USE_TIMEOUT = 0.2
"""Seconds that the first requests of a worker wait until it is connected to the store; it connects then."""

FIRST_RECONNECT, LAST_RECONNECT = 0.05, 2.0
"""Seconds before a broken connection is opened again; they double with each failure."""


class Caller(Protocol):
    """One user of the calls, with one script that returns numbers.

    `next_call` returns the number of keys, the keys and the arguments of the next call, or None. `on_reply`
    gets the numbers of a call in time, and `on_late_reply` those of a call for which nobody waits any more.
    `on_degrade` decides for all who wait; `on_recover` follows once the store replies in time.
    """

    script: str

    def next_call(self) -> Sequence[object] | None: ...
    def on_reply(self, numbers: list[int]) -> None: ...
    def on_late_reply(self, numbers: list[int]) -> None: ...
    def on_degrade(self) -> None: ...
    def on_recover(self) -> None: ...


class ScriptCalls:
    """Calls the scripts of its callers while `degraded` is not set.

    `connect` opens a connection to the store; without it, the callers always count by themselves. `purpose`
    begins the log line that says what the store refuses.
    """

    def __init__(self, connect: Callable[[], Any] | None = None, purpose: str = "limits are") -> None:
        self._connect = connect
        self._purpose = purpose
        self._callers: list[Caller] = []
        self._trials = ResponseTrials()
        self._due = Event()
        self._hub = hub = get_hub()
        # A repeating timer, because a stopped one-shot timer would continue with its remaining time.
        self._timer = hub.loop.timer(REPLY_TIMEOUT, REPLY_TIMEOUT)
        self._calls = 0
        self._late = False
        self._wanted = Event()
        self._attempted = Event()
        if connect is None:
            self._attempted.set()
        self._refusal = ""

    def add(self, caller: Caller) -> None:
        """Add a caller, before `run`."""
        self._callers.append(caller)

    @property
    def degraded(self) -> bool:
        """Whether the callers count by themselves."""
        return self._trials.degraded

    @property
    def used(self) -> bool:
        """Whether any request has needed the store yet."""
        return self._wanted.is_set()

    def wake(self) -> None:
        """Ask for a call: a caller has something to send."""
        self._due.set()

    def wait_for_first_use(self) -> None:
        """Connect if nobody has used the store yet, and wait for that, but not for long."""
        if not self._attempted.is_set():
            self._wanted.set()
            self._attempted.wait(FIRST_USE_TIMEOUT)
            self._attempted.set()

    def run(self) -> None:
        """Keep a connection to the store, from the first use until killed; reconnect whenever it breaks."""
        if self._connect is None:
            return
        self._wanted.wait()
        pause = FIRST_RECONNECT
        while True:
            connection = None
            try:
                connection = self._connect()
                loaded = [_command(connection, "SCRIPT", "LOAD", caller.script) for caller in self._callers]
                pause = FIRST_RECONNECT
                while True:
                    self._try_until_recovered(connection)
                    self._serve(connection, loaded)
            except (redis.RedisError, OSError) as error:
                self._attempted.set()
                self._log_refusal(error)
            finally:
                self._end_call()
                self._degrade()
                if connection is not None:
                    connection.disconnect()
            gevent.sleep(pause)
            pause = min(pause * 2, LAST_RECONNECT)

    def _try_until_recovered(self, connection: Any) -> None:
        trials = self._trials
        while trials.degraded:
            if trials.pause:
                gevent.sleep(trials.pause)
            while True:
                self._call(connection, "TIME")
                if self._late:
                    self._attempted.set()
                    trials.late_trial()
                    break
                if trials.passed_trial():
                    self._recover()
                    break

    def _recover(self) -> None:
        for caller in self._callers:
            caller.on_recover()
        self._attempted.set()

    def _log_refusal(self, error: Exception) -> None:
        """Log once what the store refuses; the watcher logs that it is down."""
        if isinstance(error, redis.ResponseError) and str(error) != self._refusal:
            self._refusal = str(error)
            log.warning("%s not shared with other workers: %s", self._purpose, error)

    def _serve(self, connection: Any, loaded: Sequence[bytes]) -> None:
        """Call scripts whenever a caller needs that, until the store is late."""
        while not self.degraded:
            self._due.wait()
            self._due.clear()
            called = True
            while called:
                called = False
                for caller, script in zip(self._callers, loaded, strict=True):
                    if self.degraded:
                        return
                    words = caller.next_call()
                    if words is None:
                        continue
                    called = True
                    numbers = self._call(connection, "EVALSHA", script, *words)
                    if not self._late:
                        caller.on_reply(numbers)
                        continue
                    caller.on_late_reply(numbers)
                    if self._trials.late_reply():
                        self._recover()

    def _call(self, connection: Any, *words: object) -> Any:
        """Send a command and return the reply; set `_late` if that takes longer than REPLY_TIMEOUT."""
        self._late = False
        self._timer.again(self._on_timeout, update=True)
        reply = _command(connection, *words)
        self._end_call()
        return reply

    def _end_call(self) -> None:
        self._calls += 1
        self._timer.stop()

    def _on_timeout(self) -> None:
        # If this process was too slow to read the reply, it is read before this callback.
        self._hub.loop.run_callback(self._on_late, self._calls)

    def _on_late(self, call: int) -> None:
        if call == self._calls:
            self._timer.stop()
            self._late = True
            self._degrade()

    def _degrade(self) -> None:
        """Let the callers count by themselves, also for the requests that wait now."""
        self._trials.degrade()
        for caller in self._callers:
            caller.on_degrade()
        # So that `_serve` ends.
        self._due.set()


def _command(connection: Any, *words: object) -> Any:
    """Send a command and return the reply. Raises redis.RedisError or OSError."""
    connection.send_command(*words)
    return connection.read_response()
