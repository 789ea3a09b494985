"""Tickets: one ever-growing number per service, shared by all workers through the store, and coalesced.

The first request that needs a ticket sends for it; those that come while it is under way wait, and are
served together by the next increment. A store that does not answer within PATIENCE costs no request:
tickets then come from a local count, until the store answers again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import redis
from gevent import Timeout, get_hub, getcurrent
from gevent.event import Event

from proxy.balancing.line import Line, pack

PATIENCE = 0.02
"""Seconds a request waits for its ticket before the local count serves it."""

RECOVERY = 2.0
"""Seconds a late answer may take before the connection is given up."""


COMMANDS_KEPT = 10_000


class LateError(Exception):
    """The store did not answer within PATIENCE."""


class Tickets:
    """`take(service)` gives the next ticket; `degraded` tells whether they are local for now.

    `local` counts the tickets that were, since the worker started; `attempted` is set once a connection was
    tried.
    """

    def __init__(self, connect: Callable[[], Line], key: str) -> None:
        self._connect = connect
        self._key = key
        self._commands: dict[tuple[str, int], bytes] = {}
        self._waiting: dict[str, list[Any]] = {}
        self._last: dict[str, int] = {}
        self._parked: Any = None
        self._hub = hub = get_hub()
        # Repeating, since one that does not would go on with what was left of its time when stopped.
        self._timer = hub.loop.timer(PATIENCE, PATIENCE)
        self.attempted = Event()
        self.degraded = True
        self.local = 0

    def take(self, service: str) -> int:
        """The next ticket of this service, from the store if it answers in time."""
        if self.degraded:
            return self._take_local(service)
        waiting = self._waiting.get(service)
        if waiting is None:
            waiting = self._waiting[service] = []
        waiting.append(getcurrent())
        parked = self._parked
        if parked is not None:
            self._parked = None
            self._hub.loop.run_callback(parked.switch)
        ticket: int = self._hub.switch()
        return ticket

    def run(self) -> None:
        """Serve until killed: fetch tickets while the store answers, else try to reach it again."""
        pause = 0.05
        while True:
            line: Line | None = None
            try:
                line = self._connect()
                self.degraded = False
                self.attempted.set()
                pause = 0.05
                self._serve(line)
            except (redis.RedisError, OSError):
                self._degrade()
                self.attempted.set()
            finally:
                if line is not None:
                    line.close()
            gevent.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _serve(self, line: Line) -> None:
        late = getcurrent().throw
        timer = self._timer
        while True:
            while not self._waiting:
                self._parked = getcurrent()
                self._hub.switch()
            batch, self._waiting = self._waiting, {}
            outstanding = list(batch.items())
            try:
                timer.again(late, LateError, update=True)
                line.send(self._packed(outstanding))
                while outstanding:
                    last = self._read(line)
                    service, greenlets = outstanding.pop(0)
                    self._hand_out(service, greenlets, last)
            except LateError:
                timer.stop()
                self._hand_out_local(outstanding)
                self._degrade()
                self._recover(line, outstanding)
            except (redis.RedisError, OSError):
                self._hand_out_local(outstanding)
                raise
            finally:
                timer.stop()

    def _read(self, line: Line) -> int:
        """The next answer. Raises LateError when the store, and not this process, took too long."""
        try:
            return line.read()
        except LateError:
            if not line.ready():
                raise
            return line.read()

    def _recover(self, line: Line, outstanding: list[tuple[str, list[Any]]]) -> None:
        """Await the answers that are late. Raises redis.TimeoutError when they do not come at all."""
        with Timeout(RECOVERY, redis.TimeoutError("the store does not answer")):
            for service, _ in outstanding:
                self._last[service] = max(self._last.get(service, 0), line.read())
        self.degraded = False

    def _packed(self, batch: list[tuple[str, list[Any]]]) -> bytes:
        if len(batch) == 1:
            service, greenlets = batch[0]
            return self._command(service, len(greenlets))
        return b"".join([self._command(service, len(greenlets)) for service, greenlets in batch])

    def _command(self, service: str, count: int) -> bytes:
        command = self._commands.get((service, count))
        if command is None:
            if len(self._commands) > COMMANDS_KEPT:
                self._commands.clear()
            command = self._commands[service, count] = pack("HINCRBY", self._key, service, str(count))
        return command

    def _hand_out(self, service: str, greenlets: list[Any], last: int) -> None:
        self._last[service] = last
        self._hub.loop.run_callback(_resume, greenlets, last)

    def _hand_out_local(self, outstanding: list[tuple[str, list[Any]]]) -> None:
        for service, greenlets in outstanding:
            for greenlet in greenlets:
                self._hub.loop.run_callback(greenlet.switch, self._take_local(service))

    def _degrade(self) -> None:
        self.degraded = True
        waiting, self._waiting = self._waiting, {}
        self._hand_out_local(list(waiting.items()))

    def _take_local(self, service: str) -> int:
        self.local += 1
        ticket = self._last.get(service, 0) + 1
        self._last[service] = ticket
        return ticket


def _resume(greenlets: list[Any], last: int) -> None:
    """In the loop's greenlet, switch to those who wait; ticket `last` is for the last of them."""
    ticket = last - len(greenlets)
    for greenlet in greenlets:
        ticket += 1
        greenlet.switch(ticket)
