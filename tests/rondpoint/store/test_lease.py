"""Leases: one writer at a time, by the store's clock; an agent that lost its lease writes nothing."""

import time

import pytest
import redis

from rondpoint.configuration import Configuration
from rondpoint.model import Service
from rondpoint.store import lease as leases
from rondpoint.store.keys import Keys
from rondpoint.store.lease import Lease
from rondpoint.store.publish import NotLeadingError, Publisher
from rondpoint.store.read import load
from tests.lab.waiting import until


@pytest.fixture(autouse=True)
def long_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengthen the term, so that no lease ends because the machine is slow."""
    monkeypatch.setattr(leases, "TERM", 120.0)


def a_lease(client: redis.Redis, keys: Keys, holder: str) -> Lease:
    return Lease(client, keys.leader, keys.fence, keys.wakeups, holder)


def services(client: redis.Redis, keys: Keys) -> set[str]:
    loaded = load(client, keys)
    return set() if loaded is None else set(loaded.state.services)


def configuration_with(name: str) -> Configuration:
    return Configuration(services={name: Service(name)})


def test_one_agent_holds_the_lease_and_others_learn_how_long_to_wait(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    assert one.hold() == leases.RENEWAL
    assert one.held == "1 one"
    assert 0 < two.hold() <= leases.RENEWAL
    assert (two.held, two.other) == ("", "one")
    assert 0 < client.pttl(keys.leader) <= leases.TERM * 1000
    assert one.hold() == leases.RENEWAL
    assert one.held == "1 one", "a renewed lease is the same"


def test_leases_are_held_in_order_up_to_one_that_another_agent_holds(client: redis.Redis, keys: Keys) -> None:
    def pair(name: str, holder: str) -> tuple[Lease, Lease]:
        first = Lease(client, keys.contribution(name).leader, keys.fence, keys.wakeups, holder)
        return first, a_lease(client, keys, holder)

    one, two, standby = pair("one", "1"), pair("two", "2"), pair("one", "3")
    assert one[0].hold_before(one[1]) == leases.RENEWAL
    assert [lease.held for lease in one] == ["1 1", "2 1"]
    assert 0 < two[0].hold_before(two[1]) <= leases.RENEWAL
    assert [(lease.held, lease.other) for lease in two] == [("3 2", ""), ("", "1")]
    one[1].release()
    assert 0 < standby[0].hold_before(standby[1]) <= leases.RENEWAL
    assert [(lease.held, lease.other) for lease in standby] == [("", "1"), ("", "")]
    assert not client.exists(keys.leader)
    assert one[0].hold_before(one[1]) == leases.RENEWAL
    assert [lease.held for lease in one] == ["1 1", "4 1"]


def test_an_agent_has_the_lease_that_it_got_while_it_did_not_wait_for_the_reply(
    client: redis.Redis, keys: Keys
) -> None:
    lost, other = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    lost.hold()
    agent = a_lease(client, keys, "one")
    assert agent.hold() == leases.RENEWAL
    assert (agent.held, agent.other) == ("1 one", "")
    other.hold()
    assert (other.held, other.other) == ("", "one")


def test_a_lease_without_renewal_ends_by_the_stores_clock(
    client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    with monkeypatch.context() as short:
        short.setattr(leases, "TERM", 0.3)
        one.hold()

    def take_lease() -> str:
        pause = two.hold()
        if not two.held:
            time.sleep(pause)
        return two.held

    begun = time.monotonic()
    until(take_lease, "the lease")
    assert time.monotonic() - begun < 60
    assert two.held == "2 two"
    one.hold()
    assert (one.held, one.other) == ("", "two")


def test_a_released_lease_is_free_at_once_and_wakes_up_other_agents(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    one.hold()
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(keys.wakeups)
        until(lambda: client.pubsub_numsub(keys.wakeups)[0][1] == 1, "the subscription")
        one.release()
        message = until(lambda: subscription.get_message(timeout=1), "the wake-up signal")
        assert message["data"] == keys.leader.encode()
    two.hold()
    assert two.held == "2 two"
    # An agent cannot release another agent's lease.
    one.release()
    assert client.get(keys.leader) == b"2 two"


def test_a_publisher_without_the_lease_writes_nothing(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    old, new = Publisher(client, keys, lambda: one.held), Publisher(client, keys, lambda: two.held)
    one.hold()
    old.publish(configuration_with("old"))
    # The first agent is paused here, and its lease ends.
    client.delete(keys.leader)
    with pytest.raises(NotLeadingError, match="no agent leads"):
        old.publish(configuration_with("late"))
    two.hold()
    new.publish(configuration_with("new"))
    with pytest.raises(NotLeadingError, match="two"):
        old.publish(configuration_with("late"))
    with pytest.raises(NotLeadingError, match="two"):
        Publisher(client, keys).publish(configuration_with("without a lease"))
    assert services(client, keys) == {"new"}


def test_an_agent_that_leads_again_reads_the_store_before_it_writes(client: redis.Redis, keys: Keys) -> None:
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    first = Publisher(client, keys, lambda: one.held)
    configuration = configuration_with("first")
    one.hold()
    first.publish(configuration)
    one.release()
    two.hold()
    Publisher(client, keys, lambda: two.held).publish(configuration_with("second"))
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
def test_damage_is_repaired(client: redis.Redis, keys: Keys, damage: str) -> None:
    DAMAGES[damage](client, keys)
    one, two = a_lease(client, keys, "one"), a_lease(client, keys, "two")
    one.hold()
    assert one.held == "1 one"
    DAMAGES[damage](client, keys)
    one.hold()
    assert one.held
    two.hold()
    assert not two.held
    Publisher(client, keys, lambda: one.held).publish(configuration_with("a"))
    assert services(client, keys) == {"a"}
