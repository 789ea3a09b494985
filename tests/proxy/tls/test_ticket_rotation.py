"""Keys of session tickets in several workers, with one store."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from proxy.authentication.instance_secret import INSTANCE_SECRET
from proxy.tls.openssl_context import KEY_BYTES
from proxy.tls.ticket_rotation import PERIOD, TicketRotation, derive_keys
from rondpoint.store.client import connect as connect_to_store
from rondpoint.store.keys import Keys
from tests.lab.certificate import write_certificate
from tests.lab.store import Store
from tests.proxy.tls.handshakes import client_context, connect, server_context

KEYS = Keys()
CLIENT = client_context(ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as store:
        yield store


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "own.pem")


class Worker:
    """A worker with one context."""

    def __init__(self, store: Store, certificate: Path) -> None:
        self.client: redis.Redis = connect_to_store(store.url)
        self.rotation = TicketRotation(self.client, KEYS.tls_tickets)
        self.context = server_context(certificate)
        self.rotation.add(self.context)


def resumes(first: Worker, second: Worker) -> bool:
    """Return whether a session that began at one worker goes on at the other."""
    session = connect(CLIENT, first.context).session
    return bool(connect(CLIENT, second.context, session).session_reused)


def test_workers_share_keys_and_change_them_with_the_period(store: Store, certificate: Path) -> None:
    one, other = Worker(store, certificate), Worker(store, certificate)
    one.rotation.refresh(7)
    other.rotation.refresh(7)
    assert resumes(one, other)
    one.rotation.refresh(8)
    assert not resumes(one, other)
    other.rotation.refresh(8)
    assert resumes(one, other)
    first, second = (one.client.get(KEYS.tls_tickets(period)) for period in ("7", "8"))
    assert first is not None
    assert second is not None
    assert first != second
    assert PERIOD < one.client.ttl(KEYS.tls_tickets("8")) <= 2 * PERIOD


def test_without_the_store_the_workers_of_an_instance_share_keys(store: Store, certificate: Path) -> None:
    store.kill()
    one, other = Worker(store, certificate), Worker(store, certificate)
    assert resumes(one, other)
    one.rotation.refresh(7)
    assert not resumes(one, other)
    other.rotation.refresh(7)
    assert resumes(one, other)
    store.start()
    one.rotation.refresh(7)
    assert not resumes(one, other)
    other.rotation.refresh(7)
    assert resumes(one, other)


@pytest.mark.parametrize("spoilt", ["hash", "short"])
def test_a_key_of_the_store_that_holds_something_else_is_replaced(
    store: Store, certificate: Path, spoilt: str
) -> None:
    one, other = Worker(store, certificate), Worker(store, certificate)
    key = KEYS.tls_tickets("7")
    if spoilt == "hash":
        one.client.hset(key, "a", "b")
    else:
        one.client.set(key, b"short")
    one.rotation.refresh(7)
    other.rotation.refresh(7)
    assert resumes(one, other)
    assert len(one.client.get(key) or b"") == KEY_BYTES


def test_derived_keys_depend_on_secret_and_period() -> None:
    keys = {derive_keys(secret, period) for secret in (INSTANCE_SECRET, b"other") for period in (7, 8)}
    assert len(keys) == 4
    assert {len(each) for each in keys} == {KEY_BYTES}
