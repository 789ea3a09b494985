"""The in-flight limits of a worker: the workers that share a store hold each limit together.

Each limit and source has a number of slots, and a request in progress takes one. A worker leases slots in the
store, some of them in advance, and requests take and leave them in memory. The fewer slots are free, the
fewer a worker keeps unused; near the limit it gives each one back when its request ends. A worker always
states how many slots it uses, so the store forgets nothing for long that it has lost. The lease of a worker
that has died ends, and its slots are free again.

While the store does not reply in time, the workers of an instance hold the instance's part of each limit
together, by counts in the memory that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from importlib.resources import files
from secrets import token_hex
from time import monotonic

from gevent import get_hub, getcurrent

from proxy.limits.gcra import PORTION_DIVISOR
from proxy.limits.in_flight_counts import IN_FLIGHT, SharedCounts, cells_of
from proxy.limits.installation_size import InstallationSize
from proxy.limits.slot_pool import SlotPool, Waiter
from proxy.shared_store.script_calls import ScriptCalls

LEASE_SECONDS = 5.0
"""Seconds after its last call until a worker counts as dead, and others may take its slots."""

RENEWAL_SECONDS = 1.0
"""Seconds between the calls that renew the lease of a worker with requests in progress."""

RESTATEMENT = 20
"""Renewals after which a worker states all its slots again, so that their keys do not expire."""

EXPIRY = 60
"""Seconds after which the store drops a key that no worker has touched."""

PATIENCE = 0.005
"""Seconds that a request waits for a slot before it is refused. A slot given back elsewhere is then known."""

PACE = 0.002
"""Seconds between two calls for requests that wait at a limit."""

UNUSED_AFTER = 0.05
"""Seconds without use after which unused slots are given back."""

MAX_BATCH = 200
"""Pools per call, so that a call takes the store about a millisecond at most."""

_MICROSECONDS = 1_000_000
_RESULTS = 3


class InFlightLimits:
    """Admits requests by `enter`; the caller calls `leave` when such a request ends.

    `calls` are the calls of scripts in the store. `leases` is the key of all leases there, and `key` returns
    that of a pool. `size` is the number of instances; `counts` is the memory that the workers share.
    """

    script = files("proxy.limits").joinpath("lease_slots.lua").read_text(encoding="utf-8")

    def __init__(
        self,
        calls: ScriptCalls | None = None,
        leases: str = "",
        key: Callable[[str], str] = str,
        size: InstallationSize | None = None,
        counts: SharedCounts = IN_FLIGHT,
    ) -> None:
        self._store = calls or ScriptCalls()
        self._store.add(self)
        self.worker = token_hex(8)
        self._leases = leases
        self._key = key
        self._size = size or InstallationSize()
        self._counts = counts
        self._pools: dict[str, SlotPool] = {}
        self._queue: list[SlotPool] = []
        self._asked: list[tuple[SlotPool, list[Waiter]]] = []
        self._paced: set[SlotPool] = set()
        self._holding: list[SlotPool] = []
        self._lease_known = False
        self._renewing = self._renewal_due = False
        self._renewals = 0
        self._hub = hub = get_hub()
        # Repeating timers, because a stopped one-shot timer would continue with its remaining time.
        self._pace_timer = hub.loop.timer(PACE, PACE)
        self._unused_timer = hub.loop.timer(UNUSED_AFTER, UNUSED_AFTER)
        self._renewal_timer = hub.loop.timer(RENEWAL_SECONDS, RENEWAL_SECONDS)

    def __len__(self) -> int:
        """Return the number of pools with requests or leased slots."""
        return len(self._pools)

    def enter(self, key: str, limit: int) -> SlotPool | None:
        """Take a slot for a request; return the pool to `leave`, or None above the limit."""
        if limit <= 0:
            return None
        store = self._store
        if store.degraded:
            # First, because a pool without a request may be dropped meanwhile.
            store.wait_for_first_use()
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = _new_pool(key)
        pool.limit = limit
        pool.taken = True
        if pool.leased > pool.used and not pool.full:
            self._take(pool)
            return pool
        if store.degraded:
            if self._enter_locally(pool):
                return pool
            self._drop_if_idle(pool)
            return None
        return pool if self._wait(pool) else None

    def leave(self, pool: SlotPool) -> None:
        """End a request that has entered."""
        pool.used -= 1
        self._counts.remove(pool.cells)
        if self._store.degraded:
            pool.leased = pool.used
            self._drop_if_idle(pool)
        elif pool.leased - pool.used > pool.keep:
            self._enqueue(pool)
        elif not pool.held:
            self._hold(pool)

    def next_call(self) -> Sequence[object] | None:
        """Return the call for the next pools of the queue; it renews the lease, too."""
        batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        if not (batch or self._renewal_due):
            return None
        self._renewal_due = False
        values: list[object] = []
        self._asked = []
        for pool in batch:
            pool.queued = False
            waiting, pool.waiting = pool.waiting, []
            values += (pool.limit, pool.used, len(waiting), pool.wanted(len(waiting)))
            # The call gives the unused slots back.
            pool.leased = pool.peak = pool.used
            pool.listed, pool.taken = True, False
            self._asked.append((pool, waiting))
        lease = (self.worker, int(LEASE_SECONDS * _MICROSECONDS), int(4 * PACE * _MICROSECONDS), EXPIRY)
        keys = (self._leases, *(self._key(pool.id) for pool in batch))
        return (len(keys), *keys, *lease, *values)

    def on_reply(self, numbers: list[int]) -> None:
        """Admit as many requests as there are slots for."""
        asked, self._asked = self._asked, []
        if not numbers[0] and self._lease_known:
            # The store was emptied, or others have taken this worker for dead.
            self._state_all()
        now = monotonic()
        for at, (pool, waiting) in enumerate(asked):
            granted, spare, free = numbers[_RESULTS * at + 1 : _RESULTS * at + 1 + _RESULTS]
            self._distribute(pool, waiting, now, granted, spare, free)
        self._set_renewing(bool(self._pools))

    def on_late_reply(self, numbers: list[int]) -> None:
        """Do nothing: the next call states what this worker uses then."""

    def on_recover(self) -> None:
        """State what the worker uses by now, also of pools that the store knows otherwise."""
        self._state_all()

    def on_degrade(self) -> None:
        """Decide for the requests that wait now by the counts of this instance."""
        asked, self._asked = self._asked, []
        queue, self._queue = self._queue, []
        paced, self._paced = self._paced, set()
        self._pace_timer.stop()
        for pool in queue:
            pool.queued = False
        for pool in self._pools.values():
            # Requests now count in the memory that the workers share, and unused slots do not.
            pool.leased = pool.used
        pools = dict.fromkeys((*(pool for pool, _ in asked), *queue, *paced))
        earlier = dict(asked)
        for pool in pools:
            waiting, pool.waiting = [*earlier.get(pool, ()), *pool.waiting], []
            for waiter in waiting:
                if not waiter.gone:
                    waiter.admitted = self._enter_locally(pool)
                    self._resume(waiter)
            self._drop_if_idle(pool)

    def _take(self, pool: SlotPool) -> None:
        pool.used += 1
        pool.peak = max(pool.peak, pool.used)
        self._counts.add(pool.cells)

    def _enter_locally(self, pool: SlotPool) -> bool:
        """Take a slot of the instance's part of the limit, if one is free."""
        part = max(1, pool.limit // self._size.instances)
        if not self._counts.add_up_to(part, pool.cells):
            return False
        pool.used += 1
        pool.leased = pool.used
        return True

    def _wait(self, pool: SlotPool) -> bool:
        """Wait until the store has a slot for this request, but not for long; return whether it has."""
        waiter = Waiter(getcurrent(), monotonic())
        pool.waiting.append(waiter)
        if pool.full:
            self._pace(pool)
        else:
            self._enqueue(pool)
        try:
            self._hub.switch()
        except BaseException:
            # The greenlet is killed: nobody else can give the slot back.
            if waiter.admitted:
                self.leave(pool)
            waiter.gone = True
            raise
        return waiter.admitted

    def _distribute(
        self, pool: SlotPool, waiting: list[Waiter], now: float, granted: int, spare: int, free: int
    ) -> None:
        """Give the slots of a reply to the requests that wait, and keep the rest."""
        pool.leased += granted + spare
        pool.full = granted < len(waiting)
        pool.keep = 0 if pool.full else spare + free // PORTION_DIVISOR
        later, pool.waiting = pool.waiting, []
        # Requests that came during the call were not part of it, so it cannot refuse them.
        for asked, waiters in ((True, waiting), (False, later)):
            for waiter in waiters:
                if waiter.gone:
                    continue
                if pool.leased > pool.used:
                    waiter.admitted = True
                    self._take(pool)
                    self._resume(waiter)
                elif asked and now - waiter.since >= PATIENCE:
                    self._resume(waiter)
                else:
                    pool.waiting.append(waiter)
        if pool.waiting:
            if pool.full:
                self._pace(pool)
            else:
                self._enqueue(pool)
        if pool.leased > pool.used and not pool.held:
            self._hold(pool)
        pool.listed = pool.leased > 0
        self._drop_if_idle(pool)

    def _hold(self, pool: SlotPool) -> None:
        """Search this pool for unused slots soon."""
        if not self._holding:
            self._unused_timer.again(self._return_unused, update=True)
        pool.held = True
        self._holding.append(pool)

    def _return_unused(self) -> None:
        """Give unused slots back, and find out how many are free by now."""
        self._unused_timer.stop()
        holding, self._holding = self._holding, []
        for pool in holding:
            pool.held = False
            self._enqueue(pool)

    def _pace(self, pool: SlotPool) -> None:
        """Ask for this pool again, but not at once."""
        if not self._paced:
            self._pace_timer.again(self._ask_paced, update=True)
        self._paced.add(pool)

    def _ask_paced(self) -> None:
        self._pace_timer.stop()
        paced, self._paced = self._paced, set()
        for pool in paced:
            self._enqueue(pool)

    def _set_renewing(self, wanted: bool) -> None:
        """Renew the lease from now on, or let it end."""
        self._lease_known = wanted
        if wanted == self._renewing:
            return
        self._renewing = wanted
        if wanted:
            self._renewal_timer.again(self._renew, update=True)
        else:
            self._renewal_timer.stop()

    def _renew(self) -> None:
        self._renewals += 1
        if self._renewals % RESTATEMENT == 0:
            self._state_all()
        self._renewal_due = True
        self._store.wake()

    def _state_all(self) -> None:
        for pool in self._pools.values():
            self._enqueue(pool)

    def _enqueue(self, pool: SlotPool) -> None:
        # A pool that was dropped must not state the slots of its successor.
        if not (pool.queued or self._store.degraded) and self._pools.get(pool.key) is pool:
            pool.queued = True
            self._queue.append(pool)
            self._store.wake()

    def _drop_if_idle(self, pool: SlotPool) -> None:
        if not (pool.used or pool.leased or pool.waiting or pool.queued or pool.listed):
            self._pools.pop(pool.key, None)

    def _resume(self, waiter: Waiter) -> None:
        self._hub.loop.run_callback(_switch, waiter)


def _new_pool(key: str) -> SlotPool:
    encoded = key.encode("utf-8", "surrogateescape")
    # In the store, no address and no header of a client appears.
    return SlotPool(key, blake2b(encoded, digest_size=16).hexdigest(), cells_of(encoded))


def _switch(waiter: Waiter) -> None:
    if not waiter.gone:
        waiter.greenlet.switch()
