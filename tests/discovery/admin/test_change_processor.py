"""Change processors of one or several agents process proposals from a real store."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from discovery.admin.change_processor import ChangeProcessor, make_change_processor
from discovery.admin.local_copy import LocalCopy
from discovery.admin.validation import EntryPointNames
from rondpoint.configuration import Configuration
from rondpoint.model import Router, Service
from rondpoint.rules import v3
from rondpoint.settings import Settings
from rondpoint.store.admin.document import Document, read_document, read_version
from rondpoint.store.admin.history import MAX_ENTRIES, MAX_ENTRY_BYTES, read_history
from rondpoint.store.admin.proposals import Proposal, ProposalResult, await_result, propose
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab.lossy_relay import LossyRelay
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys()
WAIT = 60
"""Seconds to wait for a result; the store's client must not give up earlier."""


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url, socket_timeout=2 * WAIT) as client:
        yield client


@contextmanager
def serving(store: Store, *makers: Callable[[redis.Redis], ChangeProcessor]) -> Iterator[None]:
    stop = threading.Event()
    clients = [connect(store.url) for _ in makers]
    threads = [
        threading.Thread(target=make(client).run, args=(stop,))
        for make, client in zip(makers, clients, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        for each in clients:
            each.close()


def plain(client: redis.Redis) -> ChangeProcessor:
    return make_change_processor(Settings(), client)


def put(client: redis.Redis, name: str, body: Any, **options: Any) -> ProposalResult:
    proposal = Proposal(name, "put", "services", name, json.dumps(body), **options)
    propose(client, KEYS, proposal)
    result = await_result(client, KEYS, name, WAIT)
    assert result is not None
    return result


def service(number: int) -> dict[str, Any]:
    return {"loadBalancer": {"servers": [{"url": f"http://10.0.0.{number % 250}:80"}]}}


def test_several_agents_lose_no_change(store: Store, client: redis.Redis) -> None:
    done: list[ProposalResult] = []

    def propose_all(first: int) -> None:
        with connect(store.url, socket_timeout=2 * WAIT) as own:
            for number in range(first, first + 10):
                proposal = Proposal(
                    f"p{number}", "put", "services", f"s{number}", json.dumps(service(number))
                )
                propose(own, KEYS, proposal)
                result = await_result(own, KEYS, proposal.id, WAIT)
                assert result is not None
                done.append(result)

    with serving(store, plain, plain, plain):
        proposers = [threading.Thread(target=propose_all, args=(10 * number,)) for number in range(4)]
        for proposer in proposers:
            proposer.start()
        for proposer in proposers:
            proposer.join()
    assert sorted(result.version for result in done) == list(range(1, 41))
    assert {result.outcome for result in done} == {"done"}
    assert len(read_document(client, KEYS).objects) == 40
    assert [entry.version for entry in read_history(client, KEYS)] == list(range(40, 0, -1))


def test_a_commit_whose_response_is_lost_still_reports_its_true_result(
    store: Store, client: redis.Redis, short_path: Path
) -> None:
    with LossyRelay(short_path / "lossy.sock", store.socket) as relay, connect(relay.url) as own:
        with serving(store, lambda _: plain(own)):
            assert put(client, "a", service(1)).outcome == "done"
            relay.lose_response_to(b"EVALSHA")
            made = put(client, "b", service(2), must_be_absent=True)
            assert (made.outcome, made.version, made.object_version, made.created) == ("done", 2, 2, True)
            relay.lose_response_to(b"EVALSHA")
            propose(client, KEYS, Proposal("c", "delete", "services", "b", match=(2,)))
            deleted = await_result(client, KEYS, "c", 4)
            assert deleted is not None
            assert (deleted.outcome, deleted.version) == ("done", 3)
        assert relay.lost == 2
    assert [entry.proposal for entry in read_history(client, KEYS)] == ["c", "b", "a"]


@pytest.mark.parametrize("version", ["x", "9" * 5000])
def test_an_invalid_version_counts_as_none(store: Store, client: redis.Redis, version: str) -> None:
    client.hset(KEYS.admin, "version", version)
    with serving(store, plain):
        assert put(client, "a", service(1)).version == 1
        client.hset(KEYS.admin, "version", version)
        until(lambda: read_version(client, KEYS) == 1, "the version to be written again")
        assert put(client, "b", service(2)).version == 2
    assert read_document(client, KEYS).objects.keys() == {"admin/http/services/a", "admin/http/services/b"}


def test_history_is_bounded_in_length_and_size(store: Store, client: redis.Redis) -> None:
    with serving(store, plain):
        for number in range(MAX_ENTRIES + 5):
            assert put(client, f"n{number}", service(number), dry_run=False).outcome == "done"
        large = {
            "loadBalancer": {
                "servers": [{"url": "http://10.0.0.1"}],
                "healthCheck": {"path": "/" + "x" * MAX_ENTRY_BYTES},
            }
        }
        assert put(client, "large", large).outcome == "done"
        history = read_history(client, KEYS)
        assert (len(history), history[0].version, history[0].changes) == (MAX_ENTRIES, MAX_ENTRIES + 6, None)
        propose(client, KEYS, Proposal("r", "rollback", version=MAX_ENTRIES + 5))
        result = await_result(client, KEYS, "r", WAIT)
        assert result is not None
        assert (result.outcome, "not kept" in result.diagnostics[0].message) == ("impossible", True)


def test_references_to_published_or_defined_objects_cause_no_warning(
    store: Store, client: redis.Redis
) -> None:
    Publisher(client, KEYS).publish(Configuration(services={"web@docker": Service("web@docker")}))
    with serving(store, plain):
        put(client, "own", service(1))
        warnings = {}
        for name in ("web@docker", "own", "none"):
            body = json.dumps({"rule": "Host(`a`)", "service": name})
            propose(client, KEYS, Proposal(name, "put", "routers", "r", body))
            result = await_result(client, KEYS, name, WAIT)
            assert result is not None
            warnings[name] = [diagnostic.path for diagnostic in result.diagnostics]
    assert warnings == {"web@docker": [], "own": [], "none": ["service"]}


def test_parents_are_references_of_their_children(store: Store, client: redis.Redis) -> None:
    rule = v3.parse("Host(`a`)")
    published = {
        "up@docker": Router("up@docker", rule, "", 1),
        "below@docker": Router("below@docker", rule, "web@docker", 1, parents=("api@admin",)),
        "beside@docker": Router("beside@docker", rule, "web@docker", 1, parents=("up@docker",)),
    }
    Publisher(client, KEYS).publish(Configuration(published, {"web@docker": Service("web@docker")}))

    def process(number: int, action: str, name: str, body: object = None) -> list[tuple[str, str]]:
        proposal = Proposal(f"p{number}", action, "routers", name, json.dumps(body))  # type: ignore[arg-type]
        propose(client, KEYS, proposal)
        result = await_result(client, KEYS, f"p{number}", WAIT)
        assert result is not None
        assert result.outcome in ("done", "unchanged")
        return [(each.path, each.message) for each in result.diagnostics]

    parent, child = {"rule": "Host(`a`)"}, {"rule": "Host(`a`)", "service": "web@docker"}
    with serving(store, plain):
        assert process(1, "put", "child", {**child, "parentRefs": ["up@docker"]}) == []
        assert process(2, "put", "child", {**child, "parentRefs": ["api"]}) == [
            ("parentRefs", "router api@admin does not exist: the router is left out until it does")
        ]
        assert process(3, "put", "api", parent) == [
            ("service", "the router names no service: it is left out until another router has it as parent")
        ]
        assert process(4, "put", "child", {**child, "parentRefs": ["api"]}) == []
        message = "router below@docker refers to it and will be left out, unless it has another parent"
        assert process(5, "delete", "api") == [("", message)]


def test_an_invalid_proposal_does_not_stop_the_processor(store: Store, client: redis.Redis) -> None:
    with serving(store, plain):
        client.rpush(KEYS.admin_proposals, "{", "7", '{"id": "x", "action": "dance"}')
        assert put(client, "a", service(1)).outcome == "done"


def test_an_unusable_local_copy_is_logged_and_changes_go_on(
    store: Store, client: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{")
    assert LocalCopy(damaged).load() == Document()
    assert "damaged.json cannot be read" in caplog.text
    (tmp_path / "file").touch()

    def without_local_copy(client: redis.Redis) -> ChangeProcessor:
        return ChangeProcessor(
            client, KEYS, EntryPointNames(("web",)), LocalCopy(tmp_path / "file" / "admin.json")
        )

    with serving(store, without_local_copy):
        assert put(client, "a", service(1)).outcome == "done"
        assert put(client, "b", service(2)).outcome == "done"
    assert caplog.text.count("cannot be saved") == 1


def test_the_local_copy_does_not_replace_the_stored_document(
    store: Store, client: redis.Redis, tmp_path: Path
) -> None:
    file = tmp_path / "admin.json"
    LocalCopy(file).save(Document(7, {"admin/http/services/old": b'{"version":7,"value":{}}'}))

    def keeping(client: redis.Redis) -> ChangeProcessor:
        return ChangeProcessor(client, KEYS, EntryPointNames(("web",)), LocalCopy(file))

    with serving(store, plain):
        put(client, "new", service(1))
    with serving(store, keeping):
        until(lambda: LocalCopy(file).load().version == 1, "the store's version saved")
    assert set(read_document(client, KEYS).objects) == {"admin/http/services/new"}
    store.restart()
    with serving(store, keeping):
        until(lambda: read_version(client, KEYS) == 1, "the local copy written to the store")
    assert set(read_document(client, KEYS).objects) == {"admin/http/services/new"}
