"""Contributions of agents to the configuration."""

import msgspec
import pytest
import redis

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service
from rondpoint.store import change as messages
from rondpoint.store.contributions import (
    ContributionRemover,
    ContributionState,
    read_contributions,
    register_contribution,
)
from rondpoint.store.keys import Keys
from rondpoint.store.lease import Lease
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load, read_diagnostics
from tests.lab.waiting import until

HAVING = Configuration(services={"s@docker": Service("s@docker")})


def test_contributions_do_not_touch_each_other_or_the_whole(client: redis.Redis, keys: Keys) -> None:
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


def test_changed_diagnostics_of_a_contribution_are_published(client: redis.Redis, keys: Keys) -> None:
    contribution = keys.contribution("a")
    publisher = Publisher(client, contribution, publishes_diagnostics=True)
    first = publisher.publish(HAVING)
    diagnostic = Diagnostic(Severity.WARNING, "docker", "container x", "odd")
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(contribution.changes)
        until(lambda: client.pubsub_numsub(contribution.changes)[0][1] == 1, "the subscription")
        second = publisher.publish(Configuration(services=HAVING.services, diagnostics=(diagnostic,)))
        message = until(lambda: subscription.get_message(timeout=1), "the change")
    published = msgspec.structs.replace(messages.decode(message["data"]), at=0.0)
    assert published == messages.Change(second, first, diagnostics=True)
    assert read_diagnostics(client, contribution) == (diagnostic,)


def test_contributions_are_listed_and_a_new_one_sends_a_wakeup_signal(
    client: redis.Redis, keys: Keys
) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(keys.wakeups)
        until(lambda: client.pubsub_numsub(keys.wakeups)[0][1] == 1, "the subscription")
        register_contribution(client, keys, "a")
        register_contribution(client, keys, "a")
        revision = Publisher(client, keys.contribution("a")).publish(HAVING)
        Lease(client, keys.contribution("a").leader, keys.fence, keys.wakeups, "me").hold()
        found = read_contributions(client, keys, ["known"])
        assert found == {"a": ContributionState(revision, True), "known": ContributionState(None, False)}
        assert until(lambda: subscription.get_message(timeout=1), "the wake-up signal")["data"] == b"a"
        assert subscription.get_message(timeout=0.05) is None


def test_only_the_leader_removes_a_contribution_and_only_after_its_agent_has_ended(
    client: redis.Redis, keys: Keys
) -> None:
    contribution = keys.contribution("a")
    Publisher(client, contribution).publish(HAVING)
    register_contribution(client, keys, "a")
    contribution_lease = Lease(client, contribution.leader, keys.fence, keys.wakeups, "member")
    leader_lease = Lease(client, keys.leader, keys.fence, keys.wakeups, "leader")
    contribution_lease.hold()
    leader_lease.hold()
    remover = ContributionRemover(client, keys)
    assert not remover.remove("a", leader_lease.held)
    contribution_lease.release()
    assert not remover.remove("a", "7 another")
    assert load(client, contribution) is not None
    assert remover.remove("a", leader_lease.held)
    assert read_contributions(client, keys) == {}
    assert list(client.scan_iter(match="*contribution*")) == []


@pytest.mark.parametrize("key", ["contributions", "revision"])
def test_keys_of_another_type_are_replaced(client: redis.Redis, keys: Keys, key: str) -> None:
    contribution = keys.contribution("a")
    wrong = keys.contributions if key == "contributions" else contribution.revision
    client.hset(wrong, "a", "b")
    assert read_contributions(client, keys) == {}
    register_contribution(client, keys, "a")
    assert list(read_contributions(client, keys)) == ["a"]
    Publisher(client, contribution).publish(HAVING)
    assert load(client, contribution) is not None
