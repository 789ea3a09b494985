"""Responses to challenges in the store, and the wait for a proxy that serves them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from discovery.acme.challenges.challenge import HTTP_01, Challenge
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
KEY = KEYS.acme_challenge("http-01 token")


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
    return responder_of(client, stop)


def responder_of(client: redis.Redis, stop: threading.Event) -> StoreResponder:
    store = AcmeStore(client, KEYS, Sealer(None), lambda: LEASE)
    return StoreResponder(HTTP_01, PatientStore(store, stop), Sealer(None), 0.0, stop)


def worker_seen(seconds_ago: float) -> WorkerStatus:
    seen = time.time() - seconds_ago
    return WorkerStatus("w", "i", "h", 1, seen, seen)


@pytest.mark.parametrize(
    ("before", "report"),
    [
        (None, 0.0),
        # A proxy that ended a while ago, and one whose clock is behind.
        (60.0, 0.0),
        (60.0, 59.0),
    ],
)
def test_a_response_is_stored_as_soon_as_a_proxy_runs(
    client: redis.Redis,
    responder: StoreResponder,
    caplog: pytest.LogCaptureFixture,
    before: float | None,
    report: float,
) -> None:
    caplog.set_level("INFO")
    if before is not None:
        write_worker(client, KEYS, worker_seen(before))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(responder.present, CHALLENGE)
        until(lambda: "the order waits" in caplog.text, "the wait for a proxy")
        assert not client.exists(KEY)
        write_worker(client, KEYS, worker_seen(report))
        waiting.result(timeout=30)
    assert client.get(KEY) == b"token.thumbprint"


def test_the_wait_for_a_proxy_ends_with_the_agent(responder: StoreResponder, stop: threading.Event) -> None:
    stop.set()
    with pytest.raises(OrderError):
        responder.present(CHALLENGE)


def test_an_agent_that_may_not_read_whether_a_proxy_runs_does_not_wait(
    client: redis.Redis, store: Store, stop: threading.Event
) -> None:
    rights = ("+@all", f"~{KEYS.leader}", f"~{KEYS.acme_challenge('*')}")
    client.execute_command("ACL", "SETUSER", "agent", "on", ">secret", *rights)
    with redis.Redis(unix_socket_path=str(store.socket), username="agent", password="secret") as limited:
        responder_of(limited, stop).present(CHALLENGE)
    assert client.get(KEY) == b"token.thumbprint"
