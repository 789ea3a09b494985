"""Tickets: one ever-growing number per service, shared by all workers through the store, and coalesced.

The first request that needs a ticket sends for it; those that come while it is under way wait, and are
served together by the next increment. A store that does not answer within PATIENCE costs no request:
tickets then come from a local count. Whether it answers in time again is found out beside the requests, none
of which waits for a store that is merely far away. A client that has everything to itself, and asks without
pause, has its next ticket fetched while it is served.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import gevent
import redis
from gevent import get_hub, getcurrent
from gevent.event import AsyncResult, Event

from proxy.balancing.ticket_connection import TicketConnection, pack_command
from proxy.balancing.ticket_prefetch import TicketPrefetch
from rondpoint.store.corrupt_keys import is_spoilt_counter

log = logging.getLogger(__name__)

TICKET_TIMEOUT = 0.02
"""Seconds a request waits for its ticket before the local count serves it."""

LATE_REPLY_TIMEOUT = 2.0
"""Seconds a late answer may take before the connection is given up."""

TRIALS_REQUIRED = 3
"""Answers in time, one after the other, that a store must give before requests wait for it again."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds between two trials of a store that was late twice within LONGEST_PAUSE. They grow each time it is
late again so soon: requests wait for one that is now near and now far once in so long, and no more.
"""

MAX_CACHED_COMMANDS = 10_000

MAX_BATCH = 500
"""Services that are asked for at once: what is sent must fit into a socket's buffer."""


class Tickets:
    """`take(service)` gives the next ticket; `degraded` tells whether they are local for now.

    `local` counts the tickets that were, since the worker started, and `late` those of them for which a
    request had waited in vain; `taken` counts those of the store. `attempted` is set once that was tried.
    `drop` is called, and may raise redis.RedisError, when something else has spoilt `key`.
    """

    def __init__(self, connect: Callable[[], TicketConnection], key: str, drop: Callable[[], None]) -> None:
        self._connect = connect
        self._key = key
        self._drop = drop
        self._commands: dict[tuple[str, int], bytes] = {}
        self._line: TicketConnection | None = None
        self._waiting: dict[str, list[Any]] = {}
        # Asked for and not answered yet, in order; nobody waits for what is late.
        self._outstanding: deque[tuple[str, list[Any]]] = deque()
        self._last: dict[str, int] = {}
        self._ahead = TicketPrefetch()
        self._for_ahead: list[Any] = [self._ahead]
        self._for_trial: list[Any] = []
        # No service has that name, so nothing is changed; but only a master will do it.
        self._trial = pack_command("HDEL", key, "")
        self._passed = 0
        self._pause = 0.0
        self._recovered_at = 0.0
        self._hub = hub = get_hub()
        # Repeating, since those that do not would go on with what was left of their time when stopped.
        self._timer = hub.loop.timer(TICKET_TIMEOUT, TICKET_TIMEOUT)
        self._given_up = hub.loop.timer(LATE_REPLY_TIMEOUT, LATE_REPLY_TIMEOUT)
        self._next_trial = hub.loop.timer(0.0)
        self._broken: AsyncResult[None] = AsyncResult()
        self.attempted = Event()
        self.degraded = True
        self.local = 0
        self.taken = 0
        self.late = 0

    def take(self, service: str) -> int:
        """The next ticket of this service, from the store if it answers in time."""
        if self.degraded:
            return self._take_local(service)
        prefetch = self._ahead
        if service == prefetch.service and (held := prefetch.take()):
            if prefetch.wanted:
                # Behind this request, once that is on its way.
                self._hub.loop.run_callback(self._ask_ahead)
            return held
        waiting = self._waiting.get(service)
        if waiting is None:
            waiting = self._waiting[service] = []
        waiting.append(getcurrent())
        if not self._outstanding:
            # Before anything else is done, so that the store works while this process does.
            self._ask()
        ticket: int = self._hub.switch()
        return ticket

    def run(self) -> None:
        """Serve until killed: keep a connection to the store, and try to reach it again when it breaks."""
        pause = 0.05
        while True:
            fault: Exception | None = None
            try:
                self._broken = AsyncResult()
                self._line = self._connect()
                self._line.listen(self._answered, self._broken.set_exception)
                self._try()
                pause = 0.05
                self._broken.get()
            except (redis.RedisError, OSError) as error:
                self.attempted.set()
                fault = error
            finally:
                self._degrade()
                self._give_up()
            if fault is not None and is_spoilt_counter(fault):
                self._begin_anew(fault)
            gevent.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _begin_anew(self, fault: Exception) -> None:
        log.warning("%s holds no counts, and is begun anew: %s", self._key, fault)
        with suppress(redis.RedisError, OSError):
            self._drop()

    def _ask(self) -> None:
        """Send for what is waited for."""
        line = self._line
        if line is None:
            self._degrade()
            return
        waiting = self._waiting
        if len(waiting) <= MAX_BATCH:
            self._waiting = {}
            self._outstanding.extend(waiting.items())
        else:
            for service in list(waiting)[:MAX_BATCH]:
                self._outstanding.append((service, waiting.pop(service)))
        self._timer.again(self._late, update=True)
        commands = [self._command(service, len(greenlets)) for service, greenlets in self._outstanding]
        try:
            line.send(b"".join(commands), len(commands))
        except (redis.RedisError, OSError) as error:
            self._broken.set_exception(error)

    def _answered(self, last: int) -> None:
        """The loop has met the store's next answer."""
        service, greenlets = self._outstanding.popleft()
        if greenlets is self._for_trial:
            self._tried()
            return
        self.taken += len(greenlets)
        self._last[service] = max(self._last.get(service, 0), last)
        if greenlets is self._for_ahead and (came := self._waiting.get(service)):
            # The request was faster.
            greenlets = [came.pop(0)]
            if not came:
                del self._waiting[service]
        if len(greenlets) == 1 and greenlets is not self._for_ahead:
            self._ahead.count(service, last)
            if self._ahead.wanted:
                self._hub.loop.run_callback(self._ask_ahead)
        if not self._outstanding:
            self._timer.stop()
            if self.degraded:
                self._given_up.stop()
                if self._pause:
                    self._try_later(self._pause)
                else:
                    # Once may be chance.
                    self._recover()
            elif self._waiting:
                self._ask()
        ticket = last - len(greenlets)
        for greenlet in greenlets:
            ticket += 1
            greenlet.switch(ticket)

    def _ask_ahead(self) -> None:
        if not (self.degraded or self._outstanding or self._waiting):
            self._waiting[self._ahead.service] = self._for_ahead
            self._ask()

    def _try(self) -> None:
        """See how long the store takes."""
        if self._line is None:
            return
        self._outstanding.append(("", self._for_trial))
        self._timer.again(self._late, update=True)
        try:
            self._line.send(self._trial, 1)
        except (redis.RedisError, OSError) as error:
            self._broken.set_exception(error)

    def _tried(self) -> None:
        self._timer.stop()
        self._given_up.stop()
        if self._passed < 0:
            self._passed = 0
            self._try_later(max(self._pause, FIRST_PAUSE))
            return
        self._passed += 1
        if self._passed < TRIALS_REQUIRED:
            self._try()
            return
        self._recover()
        self.attempted.set()

    def _recover(self) -> None:
        self._recovered_at = monotonic()
        self.degraded = False

    def _try_later(self, pause: float) -> None:
        self._next_trial.close()
        self._next_trial = self._hub.loop.timer(pause)
        self._next_trial.start(self._try)

    def _late(self) -> None:
        """PATIENCE has passed; that counts if it is the store, and not this process, that took too long."""
        if self._line is not None and self._line.ready():
            return
        self._timer.stop()
        self.attempted.set()
        if self.degraded:
            # What is late is a trial.
            self._passed = -1
        else:
            self._passed = 0
            self._degrade()
        error = redis.TimeoutError("the store does not answer")
        self._given_up.again(self._broken.set_exception, error, update=True)

    def _degrade(self) -> None:
        """Go on with local tickets, also for those who wait now."""
        if not self.degraded:
            again = monotonic() - self._recovered_at < LONGEST_PAUSE
            self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE) if again else 0.0
        self.degraded = True
        waiting, self._waiting = self._waiting, {}
        late = [entry for entry in self._outstanding if entry[1] is not self._for_ahead]
        self._outstanding = deque((service, []) for service, _ in self._outstanding)
        for service, greenlets in (*late, *waiting.items()):
            for greenlet in greenlets:
                self.late += 1
                self._hub.loop.run_callback(greenlet.switch, self._take_local(service))

    def _give_up(self) -> None:
        """Forget the connection, and what it still owes."""
        self._timer.stop()
        self._given_up.stop()
        self._next_trial.stop()
        self._passed = 0
        self._outstanding.clear()
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _command(self, service: str, count: int) -> bytes:
        command = self._commands.get((service, count))
        if command is None:
            if len(self._commands) > MAX_CACHED_COMMANDS:
                self._commands.clear()
            command = self._commands[service, count] = pack_command("HINCRBY", self._key, service, str(count))
        return command

    def _take_local(self, service: str) -> int:
        self.local += 1
        ticket = self._last.get(service, 0) + 1
        self._last[service] = ticket
        return ticket
