"""The leadership for writes outside of the store follows the lease, and ends without a renewal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import redis

from discovery.leader_election import candidate as candidate_module
from discovery.leader_election.candidate import Candidate
from discovery.leadership import Leadership
from rondpoint.store import lease as lease_module
from rondpoint.store.client import connect
from tests.discovery.running import KEYS
from tests.lab.store import Store
from tests.lab.waiting import until


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        yield client


@contextmanager
def running(client: redis.Redis, holder: str, name: str = "") -> Iterator[Leadership]:
    """Run an agent's candidate, which has something to publish."""
    leadership, stop = Leadership(), threading.Event()
    candidate = Candidate(client, KEYS, name, holder, threading.Event(), leadership)
    candidate.join_election()
    thread = threading.Thread(target=candidate.run, args=(stop,))
    thread.start()
    try:
        yield leadership
    finally:
        stop.set()
        candidate.check_now.set()
        thread.join(60)
        assert not leadership.held


def test_one_agent_of_a_name_leads_and_another_one_takes_over(client: redis.Redis) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(running(client, "one"))
        until(lambda: one.held, "the first agent to lead")
        with running(client, "two") as two:
            assert one.held
            assert not two.held
            stack.close()
            until(lambda: two.held, "the second agent to lead")
            assert not one.held


def test_agents_with_other_names_read_other_sources_and_lead_for_these(client: redis.Redis) -> None:
    with running(client, "one", "east") as east, running(client, "two", "west") as west:
        until(lambda: east.held and west.held, "both")


def test_the_leadership_ends_by_the_agents_own_clock_without_a_store(
    store: Store, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate_module, "TERM", 0.3)
    monkeypatch.setattr(lease_module, "RENEWAL", 0.05)
    with running(client, "one") as leadership:
        until(lambda: leadership.held, "the agent to lead")
        store.freeze()
        until(lambda: not leadership.held, "the end of the leadership")
        gained = threading.Event()
        with leadership.on_gain(gained.set):
            store.thaw()
            assert gained.wait(60)
