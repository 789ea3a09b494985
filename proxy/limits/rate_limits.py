"""The rate limits of a worker: the workers that share a store hold each limit together.

A worker leases tokens from the shared buckets and spends them without asking. One call of a script serves all
buckets that need tokens at that moment, and requests that come meanwhile wait for the next. If the store does
not reply within LEASE_TIMEOUT, no request fails: the worker then applies its fair share of each limit, until
trials in the background find that the store replies in time again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from importlib.resources import files
from time import monotonic
from typing import Any, NamedTuple

import gevent
import redis
from gevent import get_hub, getcurrent
from gevent.event import Event

from proxy.limits.gcra import Limit, fair_share, take_tokens, time_to_next_token
from proxy.limits.portions import next_portion
from proxy.limits.token_bucket import BucketKey, BucketTable, TokenBucket

log = logging.getLogger(__name__)

LEASE_TIMEOUT = 0.02
"""Seconds that a request waits for a token before the worker's own count decides."""

TRIALS_REQUIRED = 3
"""Consecutive trials that the store must reply to in time before requests wait for it again."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds before further trials of a store that was late. The pause doubles each time the store is late again
within LONGEST_PAUSE.
"""

FIRST_USE_TIMEOUT = 0.2
"""Seconds that the first requests of a worker wait until it is connected to the store; it connects then."""

UNUSED_AFTER = 0.05
"""Seconds without use after which leased tokens are given back."""

KNOWN_FOR = 1.0
"""Seconds for which a worker refuses requests to an empty bucket before it asks again. Other workers may have
given tokens back.
"""

MAX_BATCH = 200
"""Buckets per call, so that a call takes the store less than a millisecond."""

_MICROSECOND = 1e-6
_SCRIPT = files("proxy.limits").joinpath("lease_tokens.lua").read_text(encoding="utf-8")


class Decision(NamedTuple):
    """Whether a request may pass. `delay` is the time in seconds after which it may, or might."""

    admitted: bool
    delay: float


ADMITTED = Decision(admitted=True, delay=0.0)


class RateLimits:
    """Decides about requests by `take`; while `degraded` is set, by the worker's own counts.

    `connect` opens a connection to the store, and `key` returns a bucket's key there; without them the
    worker counts alone. `workers` is the number of workers that share the limits.
    """

    def __init__(
        self,
        connect: Callable[[], Any] | None = None,
        key: Callable[[str], str] = str,
        workers: int = 1,
    ) -> None:
        self._connect = connect
        self._key = key
        self.workers = workers
        self.degraded = True
        self._buckets = BucketTable()
        self._queue: list[TokenBucket] = []
        self._in_flight: list[tuple[TokenBucket, list[Any]]] = []
        self._holding: set[TokenBucket] = set()
        self._due = Event()
        self._hub = hub = get_hub()
        # Repeating timers, because a stopped one-shot timer would continue with its remaining time.
        self._timer = hub.loop.timer(LEASE_TIMEOUT, LEASE_TIMEOUT)
        self._unused_timer = hub.loop.timer(UNUSED_AFTER, UNUSED_AFTER)
        self._calls = 0
        self._late = False
        self._wanted = Event()
        self._attempted = Event()
        if connect is None:
            self._attempted.set()
        self._refusal = ""
        self._pause = 0.0
        self._recovered_at = 0.0

    def __len__(self) -> int:
        """Return the number of buckets in use."""
        return len(self._buckets)

    def take(self, key: BucketKey, limit: Limit) -> Decision:
        """Take a token for a request from this bucket."""
        bucket = self._buckets.find(key, limit)
        if bucket.tokens:
            bucket.tokens -= 1
            if bucket.tokens == bucket.low:
                self._enqueue(bucket)
            return ADMITTED
        if self.degraded and not self._attempted.is_set():
            self._wanted.set()
            self._attempted.wait(FIRST_USE_TIMEOUT)
            self._attempted.set()
        now = monotonic()
        if self.degraded:
            return self._take_local(bucket, now)
        wait = time_to_next_token(limit, bucket.tat, now)
        if wait > limit.max_delay and now < bucket.leased_at + KNOWN_FOR:
            return Decision(admitted=False, delay=wait)
        bucket.waiting.append(getcurrent())
        self._enqueue(bucket)
        decision: Decision = self._hub.switch()
        return decision

    def run(self) -> None:
        """Keep a connection to the store, from the first use until killed; reconnect whenever it breaks."""
        if self._connect is None:
            return
        self._wanted.wait()
        pause = 0.05
        while True:
            connection = None
            try:
                connection = self._connect()
                script = _command(connection, "SCRIPT", "LOAD", _SCRIPT)
                pause = 0.05
                while True:
                    self._recover(connection, script)
                    self._lease(connection, script)
            except (redis.RedisError, OSError) as error:
                self._attempted.set()
                self._log_refusal(error)
            finally:
                self._end_call()
                self._degrade()
                if connection is not None:
                    connection.disconnect()
            gevent.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _recover(self, connection: Any, script: bytes) -> None:
        """Call the script without buckets until the store has replied in time often enough."""
        passed = 0
        while passed < TRIALS_REQUIRED:
            gevent.sleep(0 if passed else self._pause)
            self._call(connection, script, ())
            passed += 1
            if self._late:
                self._attempted.set()
                passed = 0
                self._pause = max(self._pause, FIRST_PAUSE)
        self._recovered_at = monotonic()
        self.degraded = False
        self._attempted.set()

    def _log_refusal(self, error: Exception) -> None:
        """Log once what the store refuses; the watcher logs that it is down."""
        if isinstance(error, redis.ResponseError) and str(error) != self._refusal:
            self._refusal = str(error)
            log.warning("rate limits are not shared with other workers: %s", error)

    def _lease(self, connection: Any, script: bytes) -> None:
        """Lease tokens whenever buckets need some, until the store is late."""
        while not self.degraded:
            self._due.wait()
            self._due.clear()
            while self._queue and not self.degraded:
                batch = self._next_batch()
                if not batch:
                    continue
                in_flight = self._in_flight = [(bucket, bucket.waiting) for bucket in batch]
                words = self._arguments(batch)
                numbers = self._call(connection, script, words)
                self._in_flight = []
                now = monotonic()
                if self.degraded:
                    # The worker's own count has decided meanwhile, and so gives back what came too late.
                    for at, (bucket, _) in enumerate(in_flight):
                        bucket.returned += numbers[3 * at] + (numbers[3 * at + 1] >= 0)
                    return
                for at, (bucket, greenlets) in enumerate(in_flight):
                    self._distribute(bucket, greenlets, now, *numbers[3 * at : 3 * at + 3])

    def _next_batch(self) -> list[TokenBucket]:
        """Take the next buckets from the queue, without those that need nothing any more."""
        batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        for bucket in batch:
            bucket.queued = False
        return [each for each in batch if each.waiting or each.returned or each.tokens <= each.low]

    def _arguments(self, batch: Sequence[TokenBucket]) -> tuple[object, ...]:
        """Return the number of buckets, their keys and the script's arguments; begin their leases."""
        now = monotonic()
        values: list[object] = []
        for bucket in batch:
            waiting, bucket.waiting = len(bucket.waiting), []
            used = bucket.leased - bucket.tokens + waiting
            bucket.portion = next_portion(bucket.portion, used, now - bucket.leased_at)
            bucket.leased_at, bucket.leased = now, bucket.tokens
            interval, burst, max_delay = bucket.limit
            values += (interval / _MICROSECOND, burst, max_delay / _MICROSECOND)
            values += (waiting, bucket.portion, bucket.returned)
            bucket.returned = 0
        return (len(batch), *(self._key(bucket.id) for bucket in batch), *values)

    def _call(self, connection: Any, script: bytes, words: Sequence[object]) -> list[int]:
        """Call the script, and set `late` if the reply takes longer than LEASE_TIMEOUT."""
        self._late = False
        self._timer.again(self._on_timeout, update=True)
        reply: list[int] = _command(connection, "EVALSHA", script, *(words or (0,)))
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
        """Switch to the worker's own counts, also for the requests that wait now."""
        if not self.degraded:
            again = monotonic() - self._recovered_at < LONGEST_PAUSE
            self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE) if again else 0.0
        self.degraded = True
        queue, self._queue = self._queue, []
        in_flight, self._in_flight = self._in_flight, []
        now = monotonic()
        waiting = [*in_flight, *((bucket, bucket.waiting) for bucket in queue)]
        for bucket in queue:
            bucket.queued, bucket.waiting = False, []
        for bucket, greenlets in waiting:
            for greenlet in greenlets:
                self._resume(greenlet, self._take_local(bucket, now))
        # So that `_lease` ends.
        self._due.set()

    def _distribute(
        self, bucket: TokenBucket, greenlets: list[Any], now: float, granted: int, early: int, ahead: int
    ) -> None:
        """Give the tokens of a reply to the requests that wait, and keep the rest."""
        bucket.tat = now + ahead * _MICROSECOND
        # Requests that have come since the call cost no call of their own, if the answer is known.
        limit, later = bucket.limit, bucket.waiting
        wait = time_to_next_token(limit, bucket.tat, now)
        if later and (granted > len(greenlets) or wait > limit.max_delay):
            greenlets, bucket.waiting = greenlets + later, []
        for position, greenlet in enumerate(greenlets):
            if position < granted:
                self._resume(greenlet, ADMITTED)
            elif position == granted and early >= 0:
                self._resume(greenlet, Decision(admitted=True, delay=early * _MICROSECOND))
            elif wait > limit.max_delay:
                self._resume(greenlet, Decision(admitted=False, delay=wait))
            else:
                bucket.waiting.append(greenlet)
                self._enqueue(bucket)
        spare = granted - len(greenlets)
        if spare > 0:
            bucket.tokens += spare
            bucket.leased += spare
            bucket.low = bucket.tokens // 2
            bucket.seen = -1
            if not self._holding:
                self._unused_timer.again(self._return_unused, update=True)
            self._holding.add(bucket)
        else:
            bucket.low = -1

    def _return_unused(self) -> None:
        """Give back the tokens of buckets that no request has used since the last time."""
        for bucket in list(self._holding):
            if bucket.tokens and bucket.tokens != bucket.seen:
                bucket.seen = bucket.tokens
                continue
            self._holding.discard(bucket)
            if bucket.tokens:
                bucket.returned += bucket.tokens
                self._enqueue(bucket)
            bucket.tokens = bucket.leased = 0
        if not self._holding:
            self._unused_timer.stop()

    def _enqueue(self, bucket: TokenBucket) -> None:
        if not (bucket.queued or self.degraded):
            bucket.queued = True
            self._queue.append(bucket)
            self._due.set()

    def _take_local(self, bucket: TokenBucket, now: float) -> Decision:
        limit = fair_share(bucket.limit, self.workers)
        # The fair share of a bucket with so many missing tokens has the same TAT.
        tat = max(bucket.local_tat, bucket.tat)
        grant = take_tokens(limit, tat, now, 1, 0)
        bucket.local_tat = grant.tat
        if not grant.granted and grant.early < 0:
            return Decision(admitted=False, delay=time_to_next_token(limit, grant.tat, now))
        # The shared bucket is charged when the store replies in time again.
        bucket.returned -= 1
        return ADMITTED if grant.granted else Decision(admitted=True, delay=grant.early)

    def _resume(self, greenlet: Any, decision: Decision) -> None:
        self._hub.loop.run_callback(greenlet.switch, decision)


def _command(connection: Any, *words: object) -> Any:
    """Send a command and return the reply. Raises redis.RedisError or OSError."""
    connection.send_command(*words)
    return connection.read_response()
