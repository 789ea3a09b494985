"""One writer at a time, by the store's clock; who has lost the right writes nothing."""

import time

import pytest
import redis

from rondpoint.model import Configuration, Service
from rondpoint.store import lease as leases
from rondpoint.store.keys import Keys
from rondpoint.store.lease import Lease
from rondpoint.store.publish import NotLeadingError, Publisher
from rondpoint.store.read import load
from tests.lab.waiting import until


@pytest.fixture(autouse=True)
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """None ends by itself for the slowness of the machine."""
    monkeypatch.setattr(leases, "TERM", 120.0)


def a_lease(client: redis.Redis, keys: Keys, holder: str) -> Lease:
    return Lease(client, keys.leader, keys.fence, keys.wakeups, holder)


def services(client: redis.Redis, keys: Keys) -> set[str]:
    loaded = load(client, keys)
    return set() if loaded is None else set(loaded.state.services)


def having(name: str) -> Configuration:
    return Configuration(services={name: Service(name)})


def test_one_holds_it_and_others_learn_how_long_to_wait(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    assert one.hold() == leases.RENEWAL
    assert one.held == "1 one"
    assert 0 < two.hold() <= leases.RENEWAL
    assert (two.held, two.other) == ("", "one")
    assert 0 < client.pttl(keys.leader) <= leases.TERM * 1000
    assert one.hold() == leases.RENEWAL
    assert one.held == "1 one", "a renewed lease is the same"


def test_without_renewal_it_ends_by_the_stores_clock(
    client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    with monkeypatch.context() as short:
        short.setattr(leases, "TERM", 0.3)
        one.hold()

    def taken() -> str:
        pause = two.hold()
        if not two.held:
            time.sleep(pause)
        return two.held

    begun = time.monotonic()
    until(taken, "the lease")
    assert time.monotonic() - begun < 60
    assert two.held == "2 two"
    one.hold()
    assert (one.held, one.other) == ("", "two")


def test_one_that_is_given_back_is_free_at_once_and_that_is_told(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    one.hold()
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(keys.wakeups)
        until(lambda: client.pubsub_numsub(keys.wakeups)[0][1] == 1, "the subscription")
        one.release()
        message = until(lambda: subscription.get_message(timeout=1), "the bell")
        assert message["data"] == keys.leader.encode()
    two.hold()
    assert two.held == "2 two"
    # Nobody gives back what is another's.
    one.release()
    assert client.get(keys.leader) == b"2 two"


def test_a_publisher_without_the_lease_writes_nothing(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    old, new = Publisher(client, keys, lambda: one.held), Publisher(client, keys, lambda: two.held)
    one.hold()
    old.publish(having("old"))
    # One is paused here, and its time passes.
    client.delete(keys.leader)
    with pytest.raises(NotLeadingError, match="nobody leads"):
        old.publish(having("late"))
    two.hold()
    new.publish(having("new"))
    with pytest.raises(NotLeadingError, match="two"):
        old.publish(having("late"))
    with pytest.raises(NotLeadingError, match="two"):
        Publisher(client, keys).publish(having("anybody's"))
    assert services(client, keys) == {"new"}


def test_who_leads_again_does_not_take_what_it_wrote_for_what_is_there(
    client: redis.Redis, keys: Keys
) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    first = Publisher(client, keys, lambda: one.held)
    configuration = having("first")
    one.hold()
    first.publish(configuration)
    one.release()
    two.hold()
    Publisher(client, keys, lambda: two.held).publish(having("second"))
    two.release()
    one.hold()
    first.publish(configuration)
    assert services(client, keys) == {"first"}


def another_type(client: redis.Redis, key: str) -> None:
    client.delete(key)
    client.lpush(key, "a")


DAMAGES = {
    "a lease of another type": lambda client, keys: another_type(client, keys.leader),
    "a lease without an end": lambda client, keys: client.set(keys.leader, "rubbish"),
    "a counter of another type": lambda client, keys: another_type(client, keys.fence),
    "a counter that is no number": lambda client, keys: client.set(keys.fence, "rubbish"),
    "a counter at its end": lambda client, keys: client.set(keys.fence, "9223372036854775807"),
    "nothing left": lambda client, keys: client.flushall(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_mended(client: redis.Redis, keys: Keys, damage: str) -> None:
    DAMAGES[damage](client, keys)
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    one.hold()
    assert one.held == "1 one"
    DAMAGES[damage](client, keys)
    one.hold()
    assert one.held
    two.hold()
    assert not two.held
    Publisher(client, keys, lambda: one.held).publish(having("a"))
    assert services(client, keys) == {"a"}
