"""The arithmetic of token buckets, and the script that does the same in the store."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from proxy.limits.gcra import PORTION_DIVISOR, Limit, fair_share, take_tokens, time_to_next_token
from proxy.limits.portions import MAX_PORTION, next_portion
from rondpoint.store.scripts import load_script
from tests.lab.store import Store

LIMITS = st.builds(
    Limit,
    st.floats(0.0001, 100.0),
    st.integers(1, 1000),
    st.floats(0.0, 0.5),
)
STEPS = st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(0, 5), st.integers(0, 5)), max_size=40)


@given(LIMITS, STEPS)
def test_no_more_tokens_are_granted_than_time_has_brought(limit: Limit, steps: list[tuple[float, int, int]]):
    tat = now = 0.0
    taken = 0
    for pause, waiting, portion in steps:
        now += pause
        grant = take_tokens(limit, tat, now, waiting, portion)
        tat = grant.tat
        taken += grant.granted + (grant.early >= 0)
        # The one token before its time is held back, and so counts later.
        at = now + max(0.0, grant.early)
        assert taken <= limit.burst + at / limit.interval + 0.001
        assert grant.granted <= waiting + portion
        assert grant.early <= limit.max_delay
        if grant.granted + (grant.early >= 0) < waiting:
            left = time_to_next_token(limit, tat, now)
            assert left > limit.max_delay or (grant.early >= 0 and left > 0)


@given(LIMITS, st.integers(1, 50))
def test_a_full_bucket_grants_its_burst_and_then_one_token_for_each_interval(limit: Limit, count: int):
    grant = take_tokens(limit, 0.0, 10.0, limit.burst, 0)
    assert (grant.granted, grant.early) == (limit.burst, -1)
    for number in range(1, count):
        grant = take_tokens(limit, grant.tat, 10.0 + number * limit.interval, 1, 0)
        assert (grant.granted, grant.early) == (1, -1)


@given(LIMITS, st.integers(0, 1000), st.integers(0, 1000), st.floats(0.0, 1.0))
def test_tokens_given_back_at_once_leave_the_bucket_as_it_was(
    limit: Limit, waiting: int, portion: int, missing: float
):
    now = 50.0
    tat = now + missing * limit.burst * limit.interval
    grant = take_tokens(Limit(*limit[:2], -1.0), tat, now, waiting, portion)
    again = take_tokens(limit, grant.tat, now, 0, 0, grant.granted)
    assert again.tat == pytest.approx(tat)


@given(LIMITS, st.integers(0, 1000), st.floats(0.0, 1.0))
def test_tokens_in_advance_are_a_small_part_of_the_rest(limit: Limit, portion: int, missing: float):
    now = 50.0
    tat = now + missing * limit.burst * limit.interval
    available = round((1 - missing) * limit.burst, 6)
    grant = take_tokens(limit, tat, now, 0, portion)
    assert grant.granted <= available / PORTION_DIVISOR + 0.001


def test_a_clock_that_was_set_back_does_not_close_a_bucket_for_long():
    limit = Limit(1.0, 10, 0.5)
    grant = take_tokens(limit, 1_000_000.0, 100.0, 1, 0)
    assert time_to_next_token(limit, grant.tat, 100.0) <= 2.0


@given(LIMITS, st.integers(1, 200))
def test_the_fair_shares_of_all_workers_are_the_limit(limit: Limit, workers: int):
    share = fair_share(limit, workers)
    assert workers / share.interval == pytest.approx(1 / limit.interval)
    assert share.burst * workers <= max(limit.burst, workers)


@given(st.integers(0, 2000), st.integers(0, 10**6), st.floats(-1.0, 100.0))
def test_a_portion_grows_at_most_twofold_and_stays_bounded(last: int, used: int, elapsed: float):
    assert 0 <= next_portion(last, used, elapsed) <= min(2 * last + 1, MAX_PORTION)


@pytest.mark.parametrize(
    ("last", "used", "elapsed", "portion"),
    [(0, 1, 100.0, 0), (0, 100, 0.1, 1), (20, 100, 0.1, 10), (3, 1000, 0.1, 7), (900, 10**6, 0.1, 1000)],
)
def test_a_portion_lasts_ten_milliseconds_at_the_present_rate(
    last: int, used: int, elapsed: float, portion: int
):
    assert next_portion(last, used, elapsed) == portion


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with Store(tmp_path_factory.mktemp("s")) as store, store.client() as client:
        yield client


@given(
    limit=LIMITS,
    ahead=st.floats(-1e6, 1e9),
    waiting=st.integers(0, 50),
    portion=st.integers(0, 50),
    returned=st.integers(-50, 50),
)
def test_the_script_does_the_same_arithmetic(
    client: redis.Redis, limit: Limit, ahead: float, waiting: int, portion: int, returned: int
):
    in_microseconds = Limit(limit.interval * 1e6, limit.burst, limit.max_delay * 1e6)
    seconds, microseconds = client.time()
    before = seconds * 1_000_000 + microseconds
    tat = before + ahead
    client.set("bucket", f"{tat:.2f}")
    script = load_script(client, "lease_tokens.lua", "proxy.limits")
    granted, early, left = script(keys=["bucket"], args=[*in_microseconds, waiting, portion, returned])
    seconds, microseconds = client.time()
    after = seconds * 1_000_000 + microseconds
    possible = [take_tokens(in_microseconds, tat, now, waiting, portion, returned) for now in (before, after)]
    assert min(each.granted for each in possible) <= granted <= max(each.granted for each in possible)
    if possible[0].granted == possible[1].granted and (possible[0].early < 0) == (possible[1].early < 0):
        assert (early >= 0) == (possible[0].early >= 0)
        assert possible[1].tat - after - 1 <= left <= possible[0].tat - before + 1


def test_the_script_serves_many_buckets_and_replaces_foreign_values(client: redis.Redis):
    client.flushall()
    client.hset("b", "x", "y")
    client.set("c", "nonsense")
    script = load_script(client, "lease_tokens.lua", "proxy.limits")
    limit = (1e6, 3, 0)
    reply = script(
        keys=["a", "b", "c", "d"], args=[*limit, 2, 0, 0, *limit, 4, 0, 0, *limit, 1, 0, 0, *limit, 0, 0, 0]
    )
    assert reply[0::3] == [2, 3, 1, 0]
    assert reply[1::3] == [-1, -1, -1, -1]
    assert 0 < client.pttl("a") <= 2001
    assert client.type("b") == b"string"
    assert not client.exists("d"), "a bucket that is full needs no key"


def test_a_bucket_expires_when_it_is_full(client: redis.Redis):
    client.flushall()
    script = load_script(client, "lease_tokens.lua", "proxy.limits")
    script(keys=["a"], args=[1e6, 5, 0, 3, 0, 0])
    assert 2900 <= client.pttl("a") <= 3001
