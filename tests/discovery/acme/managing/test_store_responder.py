"""Responses to challenges in the store, and the wait for a proxy that serves them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from discovery.acme.challenges.challenge import HTTP_01, Challenge
from discovery.acme.managing import store_responder
from discovery.acme.managing.patient_store import PatientStore
from discovery.acme.managing.store_responder import StoreResponder
from discovery.acme.orders.failures import OrderError
from discovery.acme.store import AcmeStore
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from rondpoint.store.workers import WorkerStatus, write_worker
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys("test")
LEASE = "7 agent"
CHALLENGE = Challenge(HTTP_01, "a.test", "token", "token.thumbprint")


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        client.set(KEYS.leader, LEASE)
        yield client


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def responder(client: redis.Redis, stop: threading.Event) -> StoreResponder:
    store = AcmeStore(client, KEYS, Sealer(None), lambda: LEASE)
    return StoreResponder(HTTP_01, PatientStore(store, stop), Sealer(None), 0.0, stop)


def worker_seen(seconds_ago: float) -> WorkerStatus:
    seen = time.time() - seconds_ago
    return WorkerStatus("w", "i", "h", 1, seen, seen)


def test_the_ca_is_told_as_soon_as_the_first_proxy_runs(
    client: redis.Redis, responder: StoreResponder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    # The worker of a proxy that ended a while ago does not count.
    write_worker(client, KEYS, worker_seen(60.0))
    responder.present(CHALLENGE)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(responder.wait_until_visible, [CHALLENGE])
        until(lambda: "the order waits" in caplog.text, "the wait for a proxy")
        assert not waiting.done()
        write_worker(client, KEYS, worker_seen(0.0))
        waiting.result(timeout=30)
    assert client.get(KEYS.acme_challenge("http-01 token")) == b"token.thumbprint"


def test_the_wait_for_a_proxy_ends_with_the_agent_and_after_a_time(
    responder: StoreResponder,
    stop: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(store_responder, "PROXY_TIMEOUT", 0.0)
    responder.wait_until_visible([CHALLENGE])
    assert "the authority is told anyway" in caplog.text
    monkeypatch.undo()
    stop.set()
    with pytest.raises(OrderError):
        responder.wait_until_visible([CHALLENGE])


def test_a_store_that_cannot_tell_holds_no_order(
    client: redis.Redis, responder: StoreResponder, store: Store
) -> None:
    store.kill()
    responder.wait_until_visible([CHALLENGE])
