"""Parts of the configuration that agents with names contribute."""

import msgspec
import pytest
import redis

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Service
from rondpoint.store import change as messages
from rondpoint.store.contributions import ContributionRemover, ContributionState, read_contributions, register_contribution
from rondpoint.store.keys import Keys
from rondpoint.store.lease import Lease
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load, read_diagnostics
from tests.lab.waiting import until

HAVING = Configuration(services={"s@docker": Service("s@docker")})


def test_parts_do_not_touch_each_other_nor_the_whole(client: redis.Redis, keys: Keys) -> None:
    Publisher(client, keys.contribution("a")).publish(HAVING)
    Publisher(client, keys.contribution("b")).publish(Configuration())
    Publisher(client, keys).publish(Configuration())
    loaded = load(client, keys.contribution("a"))
    assert loaded is not None
    assert loaded.state.services == HAVING.services
    for others in (keys.contribution("b"), keys):
        loaded = load(client, others)
        assert loaded is not None
        assert loaded.state.services == {}


def test_changed_diagnostics_of_a_part_are_told(client: redis.Redis, keys: Keys) -> None:
    contribution = keys.contribution("a")
    publisher = Publisher(client, contribution, publishes_diagnostics=True)
    first = publisher.publish(HAVING)
    finding = Diagnostic(Severity.WARNING, "docker", "container x", "odd")
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(contribution.changes)
        until(lambda: client.pubsub_numsub(contribution.changes)[0][1] == 1, "the subscription")
        second = publisher.publish(Configuration(services=HAVING.services, diagnostics=(finding,)))
        message = until(lambda: subscription.get_message(timeout=1), "the change")
    told = msgspec.structs.replace(messages.decode(message["data"]), at=0.0)
    assert told == messages.Change(second, first, diagnostics=True)
    assert read_diagnostics(client, contribution) == (finding,)


def test_parts_are_listed_and_a_new_one_rings_the_bell(client: redis.Redis, keys: Keys) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(keys.wakeups)
        until(lambda: client.pubsub_numsub(keys.wakeups)[0][1] == 1, "the subscription")
        register_contribution(client, keys, "a")
        register_contribution(client, keys, "a")
        revision = Publisher(client, keys.contribution("a")).publish(HAVING)
        Lease(client, keys.contribution("a").leader, keys.fence, keys.wakeups, "me").hold()
        found = read_contributions(client, keys, ["known"])
        assert found == {"a": ContributionState(revision, True), "known": ContributionState(None, False)}
        assert until(lambda: subscription.get_message(timeout=1), "the bell")["data"] == b"a"
        assert subscription.get_message(timeout=0.05) is None


def test_a_part_is_forgotten_by_the_leader_alone_and_only_when_its_agent_is_gone(
    client: redis.Redis, keys: Keys
) -> None:
    contribution = keys.contribution("a")
    Publisher(client, contribution).publish(HAVING)
    register_contribution(client, keys, "a")
    feeding = Lease(client, contribution.leader, keys.fence, keys.wakeups, "feeding")
    leading = Lease(client, keys.leader, keys.fence, keys.wakeups, "leading")
    feeding.hold()
    leading.hold()
    remover = ContributionRemover(client, keys)
    assert not remover.remove("a", leading.held)
    feeding.release()
    assert not remover.remove("a", "7 another")
    assert load(client, contribution) is not None
    assert remover.remove("a", leading.held)
    assert read_contributions(client, keys) == {}
    assert list(client.scan_iter(match="*part*")) == []


@pytest.mark.parametrize("key", ["parts", "revision"])
def test_keys_of_another_type_are_borne(client: redis.Redis, keys: Keys, key: str) -> None:
    contribution = keys.contribution("a")
    wrong = keys.contributions if key == "parts" else contribution.revision
    client.hset(wrong, "a", "b")
    assert read_contributions(client, keys) == {}
    register_contribution(client, keys, "a")
    assert list(read_contributions(client, keys)) == ["a"]
    Publisher(client, contribution).publish(HAVING)
    assert load(client, contribution) is not None
