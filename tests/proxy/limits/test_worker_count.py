"""The number of workers that share limits: from their reports in the store."""

import time
from collections.abc import Iterator

import pytest
import redis

from proxy.limits.installation_size import InstallationSize
from proxy.limits.worker_count import WorkerCount
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.workers import WorkerStatus, remove_workers, write_worker
from tests.lab.store import Store

KEYS = Keys()


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with connect(store.url) as client:
        yield client


def report(client: redis.Redis, name: str, instance: str, age: float = 0.0) -> None:
    now = time.time()
    write_worker(client, KEYS, WorkerStatus(name, instance, "host", 1, now - 60, now - age))


def test_workers_that_report_are_counted(client: redis.Redis) -> None:
    size = InstallationSize(workers=2)
    count = WorkerCount(client, KEYS, size, lambda: True)
    for name, instance, age in (("a", "one", 0.0), ("b", "one", 0.0), ("c", "two", 0.0), ("d", "two", 60.0)):
        report(client, name, instance, age)
    count.count()
    assert size == InstallationSize(3, 2)


def test_fewer_workers_count_once_a_second_look_confirms_it(client: redis.Redis) -> None:
    size = InstallationSize()
    count = WorkerCount(client, KEYS, size, lambda: True)
    report(client, "a", "one")
    report(client, "b", "two")
    seen = []
    for change in (lambda: None, client.flushall, lambda: report(client, "a", "one")):
        change()
        count.count()
        seen.append((size.workers, size.instances))
    assert seen == [(2, 2), (2, 2), (1, 1)]
    remove_workers(client, KEYS, "a")
    for _ in range(2):
        count.count()
    assert size == InstallationSize(1, 1)


def test_without_the_store_the_numbers_stay(client: redis.Redis, store: Store) -> None:
    size = InstallationSize(3, 2)
    store.kill()
    WorkerCount(client, KEYS, size, lambda: True).count()
    assert size == InstallationSize(3, 2)
