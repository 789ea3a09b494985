"""Tickets: one growing number per service, which all workers share through the store.

The first request that needs a ticket sends a command to the store. Requests that come meanwhile wait, and the
next increment serves them together. If the store does not reply within REPLY_TIMEOUT, no request fails:
tickets then come from a local count. Trials in the background find out when the store replies in time again,
so that no request waits for a store that is merely slow to reach. A client that uses the worker alone and
sends requests without pause has its next ticket prefetched while a request is served.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import redis
from gevent import get_hub, getcurrent
from gevent.event import AsyncResult, Event

from proxy.balancing.ticket_connection import TicketConnection, pack_command
from proxy.balancing.ticket_prefetch import TicketPrefetch
from proxy.shared_store.response_trials import REPLY_TIMEOUT, ResponseTrials
from rondpoint.store.corrupt_keys import is_corrupt_counter

log = logging.getLogger(__name__)

LATE_REPLY_TIMEOUT = 2.0
"""Further seconds that a late reply may take before the worker closes the connection."""

MAX_CACHED_COMMANDS = 10_000

MAX_BATCH = 500
"""Services per batch of commands: the batch must fit into the socket's send buffer."""


class Tickets:
    """Gives tickets by `take(service)`; while `degraded` is set, they come from the local count.

    Since the worker started, `taken` counts tickets from the store and `local` those of the local count;
    `late` counts the local ones for which a request had waited in vain. `attempted` is set after the first
    attempt to reach the store. `drop` is called if something else has corrupted `key`; it may raise
    redis.RedisError.
    """

    def __init__(self, connect: Callable[[], TicketConnection], key: str, drop: Callable[[], None]) -> None:
        self._connect = connect
        self._key = key
        self._drop = drop
        self._commands: dict[tuple[str, int], bytes] = {}
        self._connection: TicketConnection | None = None
        self._waiting: dict[str, list[Any]] = {}
        # Commands without a reply yet, in order. A late command has no waiting greenlets any more.
        self._outstanding: deque[tuple[str, list[Any]]] = deque()
        self._last_tickets: dict[str, int] = {}
        self._prefetch = TicketPrefetch()
        self._for_prefetch: list[Any] = [self._prefetch]
        self._for_trial: list[Any] = []
        # No service has that name, so the command changes nothing; but only a master executes it.
        self._trial = pack_command("HDEL", key, "")
        self._trial_late = False
        self._trials = ResponseTrials()
        self._hub = hub = get_hub()
        # Repeating timers, because a stopped one-shot timer would continue with its remaining time.
        self._timer = hub.loop.timer(REPLY_TIMEOUT, REPLY_TIMEOUT)
        self._late_reply_timer = hub.loop.timer(LATE_REPLY_TIMEOUT, LATE_REPLY_TIMEOUT)
        self._next_trial = hub.loop.timer(0.0)
        self._broken: AsyncResult[None] = AsyncResult()
        self.attempted = Event()
        self.degraded = True
        self.local = 0
        self.taken = 0
        self.late = 0

    def take(self, service: str) -> int:
        """Return the next ticket of this service, from the store if it replies in time."""
        if self.degraded:
            return self._take_local(service)
        prefetch = self._prefetch
        if service == prefetch.service and (held := prefetch.take()):
            if prefetch.due:
                # After this request has been sent to its server.
                self._hub.loop.run_callback(self._send_prefetch)
            return held
        waiting = self._waiting.get(service)
        if waiting is None:
            waiting = self._waiting[service] = []
        waiting.append(getcurrent())
        if not self._outstanding:
            # Send at once, so that the store works while this process does.
            self._send_waiting()
        ticket: int = self._hub.switch()
        return ticket

    def run(self) -> None:
        """Keep a connection to the store until killed; reconnect whenever it breaks."""
        pause = 0.05
        while True:
            fault: Exception | None = None
            try:
                self._broken = AsyncResult()
                self._connection = self._connect()
                self._connection.listen(self._on_reply, self._broken.set_exception)
                self._send_trial()
                pause = 0.05
                self._broken.get()
            except (redis.RedisError, OSError) as error:
                self.attempted.set()
                fault = error
            finally:
                self._degrade()
                self._close_connection()
            if fault is not None and is_corrupt_counter(fault):
                self._drop_key(fault)
            gevent.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _drop_key(self, fault: Exception) -> None:
        log.warning("key %s does not hold counts and is deleted: %s", self._key, fault)
        with suppress(redis.RedisError, OSError):
            self._drop()

    def _send_waiting(self) -> None:
        """Send the commands for all waiting requests."""
        connection = self._connection
        if connection is None:
            self._degrade()
            return
        waiting = self._waiting
        if len(waiting) <= MAX_BATCH:
            self._waiting = {}
            self._outstanding.extend(waiting.items())
        else:
            for service in list(waiting)[:MAX_BATCH]:
                self._outstanding.append((service, waiting.pop(service)))
        self._timer.again(self._on_timeout, update=True)
        commands = [self._command(service, len(greenlets)) for service, greenlets in self._outstanding]
        try:
            connection.send(b"".join(commands), len(commands))
        except (redis.RedisError, OSError) as error:
            self._broken.set_exception(error)

    def _on_reply(self, last: int) -> None:
        """Handle the store's next reply; called by the event loop."""
        service, greenlets = self._outstanding.popleft()
        if greenlets is self._for_trial:
            self._on_trial_reply()
            return
        self.taken += len(greenlets)
        self._last_tickets[service] = max(self._last_tickets.get(service, 0), last)
        if greenlets is self._for_prefetch and (waiting := self._waiting.get(service)):
            # The request came before the prefetched ticket.
            greenlets = [waiting.pop(0)]
            if not waiting:
                del self._waiting[service]
        if len(greenlets) == 1 and greenlets is not self._for_prefetch:
            self._prefetch.record(service, last)
            if self._prefetch.due:
                self._hub.loop.run_callback(self._send_prefetch)
        if not self._outstanding:
            self._timer.stop()
            if self.degraded:
                self._late_reply_timer.stop()
                if self._trials.late_reply():
                    self.degraded = False
                else:
                    self._schedule_trial()
            elif self._waiting:
                self._send_waiting()
        ticket = last - len(greenlets)
        for greenlet in greenlets:
            ticket += 1
            greenlet.switch(ticket)

    def _send_prefetch(self) -> None:
        if not (self.degraded or self._outstanding or self._waiting):
            self._waiting[self._prefetch.service] = self._for_prefetch
            self._send_waiting()

    def _send_trial(self) -> None:
        """Send a command to measure how long the store takes."""
        if self._connection is None:
            return
        self._outstanding.append(("", self._for_trial))
        self._timer.again(self._on_timeout, update=True)
        try:
            self._connection.send(self._trial, 1)
        except (redis.RedisError, OSError) as error:
            self._broken.set_exception(error)

    def _on_trial_reply(self) -> None:
        self._timer.stop()
        self._late_reply_timer.stop()
        if self._trial_late:
            self._trial_late = False
            self._schedule_trial()
        elif self._trials.passed_trial():
            self.degraded = False
            self.attempted.set()
        else:
            self._send_trial()

    def _schedule_trial(self) -> None:
        self._next_trial.close()
        self._next_trial = self._hub.loop.timer(self._trials.pause)
        self._next_trial.start(self._send_trial)

    def _on_timeout(self) -> None:
        """Degrade after REPLY_TIMEOUT, unless a reply is there and this process was too slow to read it."""
        if self._connection is not None and self._connection.readable():
            return
        self._timer.stop()
        self.attempted.set()
        if self.degraded:
            # The late command is a trial.
            self._trial_late = True
            self._trials.late_trial()
        else:
            self._degrade()
        error = redis.TimeoutError("the store does not reply")
        self._late_reply_timer.again(self._broken.set_exception, error, update=True)

    def _degrade(self) -> None:
        """Switch to local tickets, also for the requests that wait now."""
        self._trials.degrade()
        self.degraded = True
        waiting, self._waiting = self._waiting, {}
        late = [entry for entry in self._outstanding if entry[1] is not self._for_prefetch]
        self._outstanding = deque((service, []) for service, _ in self._outstanding)
        for service, greenlets in (*late, *waiting.items()):
            for greenlet in greenlets:
                self.late += 1
                self._hub.loop.run_callback(greenlet.switch, self._take_local(service))

    def _close_connection(self) -> None:
        """Close the connection, and forget the commands without a reply."""
        self._timer.stop()
        self._late_reply_timer.stop()
        self._next_trial.stop()
        self._trial_late = False
        self._outstanding.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _command(self, service: str, count: int) -> bytes:
        command = self._commands.get((service, count))
        if command is None:
            if len(self._commands) > MAX_CACHED_COMMANDS:
                self._commands.clear()
            command = self._commands[service, count] = pack_command("HINCRBY", self._key, service, str(count))
        return command

    def _take_local(self, service: str) -> int:
        self.local += 1
        ticket = self._last_tickets.get(service, 0) + 1
        self._last_tickets[service] = ticket
        return ticket
