"""The rate limits of several workers with one store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import gevent
import pytest
import redis

from proxy.limits.gcra import Limit
from proxy.limits.installation_size import InstallationSize
from proxy.limits.rate_limits import KNOWN_FOR, RateLimits
from proxy.limits.token_bucket import BucketTable, bucket_id
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab.store import Store
from tests.proxy.limits.installation import Worker, calls, running

BURST = 400
SLOW = Limit(3600.0, BURST, 0.0)
"""No token comes back while a test runs."""
KEY = ("m", "r", "s")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[redis.Redis]:
    with Store(tmp_path) as store, connect(store.url) as client:
        yield client


@pytest.fixture
def start(client: redis.Redis) -> Iterator[Callable[[], RateLimits]]:
    """A function that starts a worker and returns its limits once they are shared."""
    with ExitStack() as stack:

        def begin() -> RateLimits:
            worker = Worker(client)
            stack.enter_context(running(worker))
            worker.wait_until_shared()
            return worker.rates

        yield begin


def take_all(limits: RateLimits, limit: Limit = SLOW) -> int:
    """Take tokens until the limit refuses, and return their number."""
    taken = 0
    while limits.take(KEY, limit).admitted:
        taken += 1
        # As requests do, let the event loop run.
        gevent.sleep(0)
    return taken


def test_two_workers_take_as_many_tokens_as_there_are(
    client: redis.Redis, start: Callable[[], RateLimits]
) -> None:
    one, two = start(), start()
    taken = 0
    for _ in range(BURST // 4):
        taken += one.take(KEY, SLOW).admitted + two.take(KEY, SLOW).admitted
    assert taken == BURST // 2
    taken += take_all(one)
    taken += take_all(two)
    # Tokens that one of them did not use are given back.
    gevent.sleep(0.2)
    taken += take_all(one)
    assert taken == BURST


def test_many_requests_cost_few_calls(client: redis.Redis, start: Callable[[], RateLimits]) -> None:
    limits = start()
    limit = Limit(0.00001, 100_000, 0.0)
    before = calls(client)
    for _ in range(20_000):
        assert limits.take(KEY, limit).admitted
        gevent.sleep(0)
    assert calls(client) - before < 1000


def test_requests_at_once_share_a_call(client: redis.Redis, start: Callable[[], RateLimits]) -> None:
    limits = start()
    before = calls(client)
    keys = [("m", "r", f"s{number % 50}") for number in range(500)]
    requests = [gevent.spawn(limits.take, key, Limit(3600.0, 5, 0.0)) for key in keys]
    gevent.joinall(requests, timeout=30, raise_error=True)
    assert sum(request.value.admitted for request in requests) == 250
    assert calls(client) - before <= 2


def test_a_refusal_costs_no_call(client: redis.Redis, start: Callable[[], RateLimits]) -> None:
    limits = start()
    take_all(limits, Limit(3600.0, 3, 0.0))
    before = calls(client)
    decisions = [limits.take(KEY, Limit(3600.0, 3, 0.0)) for _ in range(1000)]
    assert not any(decision.admitted for decision in decisions)
    assert all(3500 < decision.delay <= 3600 for decision in decisions)
    assert calls(client) == before


def test_a_changed_limit_is_in_force_soon(client: redis.Redis, start: Callable[[], RateLimits]) -> None:
    limits = start()
    assert take_all(limits, Limit(3600.0, 3, 0.0)) == 3
    # The bucket is as empty as it can be with the new limit, which fills it soon.
    assert take_all(limits, Limit(0.01, 3, 0.0)) == 0
    gevent.sleep(0.05)
    assert take_all(limits, Limit(0.01, 3, 0.0)) >= 1


def test_an_empty_bucket_is_asked_for_again_after_a_second(
    client: redis.Redis, start: Callable[[], RateLimits]
) -> None:
    limits = start()
    limit = Limit(3600.0, 3, 0.0)
    assert take_all(limits, limit) == 3
    client.flushall()
    assert not limits.take(KEY, limit).admitted
    gevent.sleep(KNOWN_FOR)
    assert limits.take(KEY, limit).admitted


def test_unused_tokens_are_given_back(client: redis.Redis, start: Callable[[], RateLimits]) -> None:
    one, two = start(), start()
    used = 100
    for _ in range(used):
        assert one.take(KEY, SLOW).admitted
    gevent.sleep(0.2)
    assert take_all(two) == BURST - used


def test_requests_that_passed_without_the_store_are_charged_later(
    client: redis.Redis, start: Callable[[], RateLimits]
) -> None:
    worker = Worker(client)
    for _ in range(BURST // 2):
        assert worker.rates.take(KEY, SLOW).admitted
    with running(worker):
        worker.wait_until_shared()
        # The first call charges them.
        assert take_all(worker.rates) == BURST // 2


def test_the_first_request_waits_for_the_connection(client: redis.Redis) -> None:
    worker = Worker(client)
    with running(worker):
        gevent.sleep(0.1)
        before = client.info("clients")["connected_clients"]
        assert worker.rates.take(KEY, SLOW).admitted
        assert not worker.calls.degraded
        assert client.exists(Keys().rate_limit(bucket_id(KEY)))
        assert client.info("clients")["connected_clients"] == before + 1


def test_missing_rights_are_logged_once(client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    client.execute_command("ACL", "SETUSER", "default", "-evalsha", "-script")
    worker = Worker(client)
    with running(worker):
        assert worker.rates.take(KEY, SLOW).admitted
        gevent.sleep(0.3)
    assert len([record for record in caplog.records if "not shared" in record.message]) == 1


def test_a_worker_without_the_store_takes_its_share() -> None:
    limits = Worker(None, InstallationSize(workers=4)).rates
    assert take_all(limits) == BURST // 4


def test_a_request_that_comes_a_little_early_is_delayed(
    client: redis.Redis, start: Callable[[], RateLimits]
) -> None:
    limits = start()
    limit = Limit(1000.0, 1, 999.9999)
    assert limits.take(KEY, limit) == (True, 0.0)
    gevent.sleep(0.01)
    delayed = limits.take(KEY, limit)
    assert delayed.admitted
    assert 999 < delayed.delay < 999.9999
    refused = limits.take(KEY, limit)
    assert not refused.admitted
    assert refused.delay > 1999


def test_an_emptied_store_starts_with_full_buckets(
    client: redis.Redis, start: Callable[[], RateLimits]
) -> None:
    limits = start()
    limit = Limit(0.05, 3, 0.0)
    take_all(limits, limit)
    client.flushall()
    gevent.sleep(0.06)
    assert take_all(limits, limit) >= 3


def test_a_worker_remembers_a_bounded_number_of_buckets() -> None:
    table = BucketTable(2)
    first = table.find(("m", "r", "1"), SLOW)
    second = table.find(("m", "r", "2"), SLOW)
    assert table.find(("m", "r", "1"), SLOW) is first
    table.find(("m", "r", "3"), SLOW)
    assert len(table) == 2
    assert table.find(("m", "r", "1"), SLOW) is first
    assert table.find(("m", "r", "2"), SLOW) is not second


def test_the_names_of_buckets_are_unambiguous() -> None:
    table = BucketTable()
    keys = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("a1:b", "", "c")]
    assert len({table.find(key, SLOW).id for key in keys}) == len(keys)
