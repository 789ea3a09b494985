"""Faults of the store: killed, frozen, emptied, corrupt. No request fails; later changes take effect."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
import redis

from rondpoint.store.keys import Keys
from rondpoint.store.read import load as load_stored
from tests.faults.conftest import Report, Start
from tests.faults.site import Site, new_site
from tests.faults.workers import kill, workers
from tests.lab.origin import http_response
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys()
EVERY_KEY = KEYS.revision.replace("revision", "*")
EVERY_WORKERS_COUNTS = KEYS.metrics("*")
Fault = Callable[[Store], AbstractContextManager[None]]


@contextmanager
def restarted_empty(store: Store) -> Iterator[None]:
    store.restart()
    yield


@contextmanager
def killed(store: Store) -> Iterator[None]:
    store.kill()
    try:
        yield
    finally:
        store.start()


@contextmanager
def frozen(store: Store) -> Iterator[None]:
    store.freeze()
    try:
        yield
    finally:
        store.thaw()


@contextmanager
def emptied(store: Store) -> Iterator[None]:
    store.flush()
    yield


# The fault, its duration in seconds with `--full`, and its duration in `make test`.
FAULTS: list[tuple[str, Fault, float, float]] = [
    ("Redis killed and restarted empty", restarted_empty, 0, 0),
    ("Redis down for {:g} s", killed, 60, 3),
    ("Redis frozen for {:g} s", frozen, 10, 3),
    ("FLUSHALL", emptied, 0, 0),
]


@pytest.fixture(scope="module")
def running(module_store: Store) -> Iterator[Site]:
    """An agent and two proxies, which must survive all faults."""
    with new_site(module_store.url) as site:
        site.agent(site.routes.flag)
        for _ in range(2):
            site.instance()
        yield site


def corrupt(client: redis.Redis, *keys: str) -> None:
    """Replace the values of keys with values of a wrong type."""
    with client.pipeline() as pipeline:
        for key in keys:
            pipeline.delete(key)
            pipeline.zadd(key, {"rubbish": 1})
        if KEYS.fence in keys:
            # The fence is read only when the lease changes its holder.
            pipeline.delete(KEYS.leader)
        pipeline.execute()


def cut_until_changed(client: redis.Redis, revision: bytes) -> bool:
    """Cut all subscriptions; return whether the revision has changed."""
    client.client_kill_filter(_type="pubsub")
    return bool(client.get(KEYS.revision) != revision)


def is_repaired(client: redis.Redis, key: str) -> bool:
    return client.type(key) != b"zset"


def can_be_read(client: redis.Redis) -> bool:
    """Return whether no part of the stored configuration is corrupt."""
    loaded = load_stored(client, KEYS)
    return loaded is not None and not loaded.problems


@pytest.mark.parametrize(("name", "fault", "long", "short"), FAULTS, ids=[row[1].__name__ for row in FAULTS])
def test_no_request_fails_and_changes_during_the_fault_take_effect(
    running: Site,
    module_store: Store,
    origin: Start,
    report: Report,
    full: bool,
    name: str,
    fault: Fault,
    long: float,
    short: float,
) -> None:
    one, two, three = (origin(http_response(text)) for text in (b"one", b"two", b"three"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    seconds = long if full else short
    with running.load(http2=4) as load:
        load.wait_for(200)
        with fault(module_store):
            if seconds:
                # A server ends; only the agent gets the change.
                one.close()
                running.routes.serve(two, three)
                time.sleep(seconds)
        converged = running.converge(running.routes.servers)
        load.wait_for(200)
        running.routes.serve(three)
        running.converge(running.routes.servers)
    report(name.format(seconds), load, converged=converged)
    load.assert_no_failures()


@pytest.mark.parametrize(
    "together", [True, pytest.param(False, marks=pytest.mark.full)], ids=["all at once", "one by one"]
)
def test_keys_of_a_wrong_type_are_repaired(
    running: Site, module_store: Store, origin: Start, report: Report, together: bool
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    slowest = 0.0
    with running.load() as load, module_store.client() as client:
        load.wait_for(200)
        until(lambda: len(list(client.scan_iter(EVERY_WORKERS_COUNTS))) >= 4, "four workers' counts")
        existing = {key.decode() for key in client.scan_iter(EVERY_KEY)}
        keys = sorted(existing | {KEYS.middlewares, KEYS.diagnostics, KEYS.ejected})
        for group in [keys] if together else [[key] for key in keys]:
            corrupt(client, *group)
            for key in group:
                until(partial(is_repaired, client, key), f"{key} repaired")
            slowest = max(slowest, running.converge(running.routes.servers))
            load.wait_for(50)
    order = "at once" if together else "one after the other"
    report(f"every key of Redis of a wrong type, {order}", load, converged=slowest)
    load.assert_no_failures()


def test_a_worker_that_starts_with_corrupt_values_serves_the_last_valid_configuration(
    running: Site, module_store: Store, origin: Start, report: Report
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    running.routes.serve(one, two, other=two)
    running.converge(running.routes.servers)
    until(running.has_local_snapshot, "the local snapshot of the configuration")
    slowest = 0.0
    with running.load() as load, module_store.client() as client:
        for number, instance in enumerate(running.instances):
            load.wait_for(50)
            for key in (KEYS.routers, KEYS.services):
                client.hset(key, "app@file", b"rubbish")
            kill(instance, min(workers(instance)))
            # Its replacement has never read the values while they were valid.
            slowest = max(slowest, running.converge(running.routes.servers))
            until(partial(can_be_read, client), "corrupt values rewritten")
            running.routes.serve(*((two,) if number % 2 else (one, two)), other=two)
            slowest = max(slowest, running.converge(running.routes.servers))
    report(
        "corrupt values in Redis, read by new workers", load, converged=slowest, may_fail="in flight there"
    )
    assert all(not failure.received for failure in load.failures), load.describe_failures()
    assert len(load.failures) <= 2 * load.plan.clients, load.describe_failures()


def test_changes_take_effect_if_no_worker_gets_their_message(
    running: Site, module_store: Store, origin: Start, report: Report
) -> None:
    one, two = origin(http_response(b"one")), origin(http_response(b"two"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    slowest = 0.0
    with running.load() as load, module_store.client() as client:
        for number in range(6):
            load.wait_for(50)
            before = client.get(KEYS.revision)
            running.routes.serve(*((one, two) if number % 2 else (two,)))
            # Cut all subscriptions until the change was published without subscribers.
            until(partial(cut_until_changed, client, before), "the change published")
            slowest = max(slowest, running.converge(running.routes.servers))
    report("pub/sub cut while a change is published, 6 times", load, converged=slowest)
    load.assert_no_failures()
