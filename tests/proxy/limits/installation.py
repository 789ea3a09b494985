"""Workers with one store and limits of their own, in one process, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
import redis

from proxy.limits.in_flight_counts import SharedCounts
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.installation_size import InstallationSize
from proxy.limits.rate_limits import RateLimits
from proxy.shared_store.script_calls import ScriptCalls
from rondpoint.store.client import separate_connection
from rondpoint.store.keys import Keys

KEYS = Keys()


class Worker:
    """The limits of one worker; each is an instance of its own, or shares the `counts` of one."""

    def __init__(
        self,
        client: redis.Redis | None,
        size: InstallationSize | None = None,
        counts: SharedCounts | None = None,
    ) -> None:
        self.calls = ScriptCalls(client and partial(separate_connection, client.connection_pool))
        self.rates = RateLimits(self.calls, KEYS.rate_limit, size)
        self.in_flight = InFlightLimits(
            self.calls, KEYS.in_flight_leases, KEYS.in_flight_slots, size, counts or SharedCounts(rows=1)
        )

    def wait_until_shared(self) -> None:
        """Wait until the store decides."""
        self.calls.wait_for_first_use()
        with gevent.Timeout(30):
            while self.calls.degraded:
                gevent.sleep(0.001)


@contextmanager
def running(*workers: Worker) -> Iterator[None]:
    """Run the calls of these workers."""
    greenlets = [gevent.spawn(worker.calls.run) for worker in workers]
    try:
        yield
    finally:
        gevent.killall(greenlets)


def calls(client: redis.Redis) -> int:
    """Return how many calls of scripts the store has served."""
    return int(client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])


def leased_slots(client: redis.Redis) -> int:
    """Return how many slots of in-flight limits all workers have leased."""
    pools: Any = client.scan_iter(KEYS.in_flight_slots("*"))
    values: Any = [value for pool in pools for value in client.hvals(pool)]
    return sum(int(value.split()[0]) for value in values)
