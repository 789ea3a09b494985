"""The store is killed, frozen, emptied, spoilt: no request fails, and what changed meanwhile is served."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
import redis

from rondpoint.store.keys import Keys
from rondpoint.store.read import load as load_stored
from tests.faults.conftest import Report, Start
from tests.faults.site import Site, a_site
from tests.faults.workers import kill, workers
from tests.lab.origin import answer
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


# What happens to the store, the seconds it lasts, and in `make test`.
FAULTS: list[tuple[str, Fault, float, float]] = [
    ("Redis killed and restarted empty", restarted_empty, 0, 0),
    ("Redis gone for {:g} s", killed, 60, 3),
    ("Redis frozen for {:g} s", frozen, 10, 3),
    ("FLUSHALL", emptied, 0, 0),
]


@pytest.fixture(scope="module")
def running(lasting_store: Store) -> Iterator[Site]:
    """An agent and two proxies, which have to outlive all of it."""
    with a_site(lasting_store.url) as site:
        site.agent(site.routes.flag)
        for _ in range(2):
            site.instance()
        yield site


def spoil(client: redis.Redis, *keys: str) -> None:
    """Have keys hold what nobody ever keeps in one."""
    with client.pipeline() as pipeline:
        for key in keys:
            pipeline.delete(key)
            pipeline.zadd(key, {"rubbish": 1})
        if KEYS.fence in keys:
            # It is of use only when the lease changes hands.
            pipeline.delete(KEYS.leader)
        pipeline.execute()


def cut_until_changed(client: redis.Redis, revision: bytes) -> bool:
    """Cut everybody's subscriptions; whether the revision is another one by now."""
    client.client_kill_filter(_type="pubsub")
    return bool(client.get(KEYS.revision) != revision)


def is_mended(client: redis.Redis, key: str) -> bool:
    return client.type(key) != b"zset"


def can_be_read(client: redis.Redis) -> bool:
    """Whether nothing of the stored configuration is corrupt."""
    loaded = load_stored(client, KEYS)
    return loaded is not None and not loaded.problems


@pytest.mark.parametrize(("name", "fault", "long", "short"), FAULTS, ids=[row[1].__name__ for row in FAULTS])
def test_no_request_fails_and_what_changed_meanwhile_comes_into_force(
    running: Site,
    lasting_store: Store,
    origin: Start,
    report: Report,
    full: bool,
    name: str,
    fault: Fault,
    long: float,
    short: float,
) -> None:
    one, two, three = (origin(answer(text)) for text in (b"one", b"two", b"three"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    seconds = long if full else short
    with running.load() as load:
        load.wait_for(200)
        with fault(lasting_store):
            if seconds:
                # A server goes, which only the agent is told.
                one.close()
                running.routes.serve(two, three)
                time.sleep(seconds)
        converged = running.converge(running.routes.servers)
        load.wait_for(200)
        running.routes.serve(three)
        running.converge(running.routes.servers)
    report(name.format(seconds), load, converged=converged)
    load.nothing_failed()


@pytest.mark.parametrize(
    "together", [True, pytest.param(False, marks=pytest.mark.full)], ids=["all at once", "one by one"]
)
def test_keys_of_a_wrong_type_are_mended(
    running: Site, lasting_store: Store, origin: Start, report: Report, together: bool
) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    slowest = 0.0
    with running.load() as load, lasting_store.client() as client:
        load.wait_for(200)
        until(lambda: len(list(client.scan_iter(EVERY_WORKERS_COUNTS))) >= 4, "four workers' counts")
        present = {key.decode() for key in client.scan_iter(EVERY_KEY)}
        keys = sorted(present | {KEYS.middlewares, KEYS.diagnostics, KEYS.ejected})
        for group in [keys] if together else [[key] for key in keys]:
            spoil(client, *group)
            for key in group:
                until(partial(is_mended, client, key), f"{key} mended")
            slowest = max(slowest, running.converge(running.routes.servers))
            load.wait_for(50)
    how = "at once" if together else "one after the other"
    report(f"every key of Redis of a wrong type, {how}", load, converged=slowest)
    load.nothing_failed()


def test_a_worker_that_starts_on_corrupt_values_serves_what_was_last(
    running: Site, lasting_store: Store, origin: Start, report: Report
) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    running.routes.serve(one, two, other=two)
    running.converge(running.routes.servers)
    until(running.kept, "the configuration kept in a file")
    slowest = 0.0
    with running.load() as load, lasting_store.client() as client:
        for number, instance in enumerate(running.instances):
            load.wait_for(50)
            for key in (KEYS.routers, KEYS.services):
                client.hset(key, "app@file", b"rubbish")
            kill(instance, min(workers(instance)))
            # In its place there is one that has never read the values when they were good.
            slowest = max(slowest, running.converge(running.routes.servers))
            until(partial(can_be_read, client), "corrupt values rewritten")
            running.routes.serve(*((two,) if number % 2 else (one, two)), other=two)
            slowest = max(slowest, running.converge(running.routes.servers))
    report(
        "corrupt values in Redis, read by new workers", load, converged=slowest, may_fail="in flight there"
    )
    assert all(not failure.received for failure in load.failures), load.story()
    assert len(load.failures) <= 2 * load.plan.clients, load.story()


def test_changes_that_nobody_is_told_of(
    running: Site, lasting_store: Store, origin: Start, report: Report
) -> None:
    one, two = origin(answer(b"one")), origin(answer(b"two"))
    running.routes.serve(one, two)
    running.converge(running.routes.servers)
    slowest = 0.0
    with running.load() as load, lasting_store.client() as client:
        for number in range(6):
            load.wait_for(50)
            before = client.get(KEYS.revision)
            running.routes.serve(*((one, two) if number % 2 else (two,)))
            # Whoever subscribes is cut off, until the change has been told to nobody.
            until(partial(cut_until_changed, client, before), "the change published")
            slowest = max(slowest, running.converge(running.routes.servers))
    report("pub/sub cut while a change is published, 6 times", load, converged=slowest)
    load.nothing_failed()
