"""The rate limits of a worker: the workers that share a store hold each limit together.

A worker leases tokens from the shared buckets and spends them without asking. One call of a script serves all
buckets that need tokens at that moment, and requests that come meanwhile wait for the next
(`proxy/shared_store/script_calls.py`). While the store does not reply in time, the worker applies its fair
share of each limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from time import monotonic
from typing import Any, NamedTuple

from gevent import get_hub, getcurrent

from proxy.limits.gcra import Limit, fair_share, take_tokens, time_to_next_token
from proxy.limits.installation_size import InstallationSize
from proxy.limits.portions import next_portion
from proxy.limits.token_bucket import BucketKey, BucketTable, TokenBucket
from proxy.shared_store.script_calls import ScriptCalls

UNUSED_AFTER = 0.05
"""Seconds without use after which leased tokens are given back."""

KNOWN_FOR = 1.0
"""Seconds for which a worker refuses requests to an empty bucket before it asks again. Other workers may have
given tokens back.
"""

MAX_BATCH = 200
"""Buckets per call, so that a call takes the store less than a millisecond."""

_MICROSECOND = 1e-6


class Decision(NamedTuple):
    """Whether a request may pass. `delay` is the time in seconds after which it may, or might."""

    admitted: bool
    delay: float


ADMITTED = Decision(admitted=True, delay=0.0)


class RateLimits:
    """Decides about requests by `take`; while the store is late, by the worker's own counts.

    `calls` are the calls of scripts in the store, and `key` returns a bucket's key there. `size` is how many
    workers share the limits.
    """

    script = files("proxy.limits").joinpath("lease_tokens.lua").read_text(encoding="utf-8")

    def __init__(
        self,
        calls: ScriptCalls | None = None,
        key: Callable[[str], str] = str,
        size: InstallationSize | None = None,
    ) -> None:
        self._store = calls or ScriptCalls()
        self._store.add(self)
        self._key = key
        self._size = size or InstallationSize()
        self._buckets = BucketTable()
        self._queue: list[TokenBucket] = []
        self._in_flight: list[tuple[TokenBucket, list[Any]]] = []
        self._asked: list[TokenBucket] = []
        self._holding: set[TokenBucket] = set()
        self._hub = hub = get_hub()
        # A repeating timer, because a stopped one-shot timer would continue with its remaining time.
        self._unused_timer = hub.loop.timer(UNUSED_AFTER, UNUSED_AFTER)

    def take(self, key: BucketKey, limit: Limit) -> Decision:
        """Take a token for a request from this bucket."""
        bucket = self._buckets.find(key, limit)
        if bucket.tokens:
            bucket.tokens -= 1
            if bucket.tokens == bucket.low:
                self._enqueue(bucket)
            return ADMITTED
        store = self._store
        if store.degraded:
            store.wait_for_first_use()
        now = monotonic()
        if store.degraded:
            return self._take_local(bucket, now)
        wait = time_to_next_token(limit, bucket.tat, now)
        if wait > limit.max_delay and now < bucket.leased_at + KNOWN_FOR:
            return Decision(admitted=False, delay=wait)
        bucket.waiting.append(getcurrent())
        self._enqueue(bucket)
        decision: Decision = self._hub.switch()
        return decision

    def next_call(self) -> Sequence[object] | None:
        """Return the call that serves the next buckets of the queue, and begin their leases."""
        while self._queue:
            if batch := self._next_batch():
                self._in_flight = [(bucket, bucket.waiting) for bucket in batch]
                self._asked = batch
                return self._arguments(batch)
        return None

    def on_reply(self, numbers: list[int]) -> None:
        """Distribute the leased tokens."""
        asked, self._in_flight = self._in_flight, []
        now = monotonic()
        for at, (bucket, greenlets) in enumerate(asked):
            self._distribute(bucket, greenlets, now, *numbers[3 * at : 3 * at + 3])

    def on_late_reply(self, numbers: list[int]) -> None:
        """Give back what came too late, since the worker's own count has decided meanwhile."""
        for at, bucket in enumerate(self._asked):
            bucket.returned += numbers[3 * at] + (numbers[3 * at + 1] >= 0)

    def on_recover(self) -> None:
        """Do nothing: each bucket is charged when it is asked for again."""

    def on_degrade(self) -> None:
        """Decide for the requests that wait now by the worker's own counts."""
        queue, self._queue = self._queue, []
        in_flight, self._in_flight = self._in_flight, []
        now = monotonic()
        waiting = [*in_flight, *((bucket, bucket.waiting) for bucket in queue)]
        for bucket in queue:
            bucket.queued, bucket.waiting = False, []
        for bucket, greenlets in waiting:
            for greenlet in greenlets:
                self._resume(greenlet, self._take_local(bucket, now))

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
        if not (bucket.queued or self._store.degraded):
            bucket.queued = True
            self._queue.append(bucket)
            self._store.wake()

    def _take_local(self, bucket: TokenBucket, now: float) -> Decision:
        limit = fair_share(bucket.limit, self._size.workers)
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
